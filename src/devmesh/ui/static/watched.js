// What is said where nothing is wrong: what is watched, and until when it is only learned.
import { brief, count, many } from "devmesh/text.js";

export default {
  props: { watched: Object, calm: Boolean },
  methods: { brief, count, many },
  computed: {
    learns() {
      return (this.watched?.learning ?? []).length > 0;
    },
  },
  template: `
  <div v-if="calm || learns || !watched.services" class="calm"><p v-if="calm && watched.services && !learns"><b>Nothing is wrong that I can see.</b> {{ many(watched.services, 'service') }} on {{ many(watched.nodes, 'node') }} {{ watched.services + watched.nodes === 2 ? 'is' : 'are' }} watched.</p>
    <p v-if="!watched.services" class="dim">Nobody has spoken yet, so nothing is watched.</p>
    <p v-else-if="learns" class="learns"><b>Still learning what is normal here{{ watched.learned_us ? ', until ' + brief(watched.learned_us) : '' }}.</b> Until then no fault is told. {{ many(watched.services, 'service') }} on {{ many(watched.nodes, 'node') }} {{ watched.services + watched.nodes === 2 ? 'is' : 'are' }} listened to. <a class="linked" href="/ui/detectors">What each detector knows</a></p></div>`,
};
