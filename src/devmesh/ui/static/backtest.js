// What would have been told if detectors learned longer or shorter: the past, looked at with the code that watches.
import { call, query } from "devmesh/api.js";
import { lasted, some, tone } from "devmesh/incident_rows.js";
import { brief, many, safe } from "devmesh/text.js";

const TIMES = [["7d", "last 7 days"], ["14d", "last 14 days"], ["30d", "last 30 days"], ["35d", "last 35 days"]];
const LEARN = [[24, "1 day"], [48, "2 days"], [96, "4 days"], [168, "a week"], [336, "2 weeks"]];
const MOVED_S = 60;
const [SINCE, LEARN_H, WEEK_US] = ["30d", 48, 7 * 86_400_000_000];

export default {
  props: { asked: Object },
  data() {
    return { times: TIMES, learn: LEARN, since: this.asked.since || SINCE, hours: Number(this.asked.learn) || LEARN_H, found: null, told: "", waiting: false };
  },
  computed: {
    weekly() {
      const watched = this.found.until_us - this.found.learned_us;
      return watched > 0 ? ((this.found.incidents.length / watched) * WEEK_US).toFixed(1) : null;
    },
    // Told at another time than then.
    moved() {
      return this.found.same.filter((one) => Math.abs(one.later_s) >= MOVED_S);
    },
    lists() {
      const { more, incidents } = this.found;
      return [["Would be told besides", more], [more.length || this.found.less.length ? "All that would be told" : "", incidents]];
    },
  },
  mounted() {
    if (this.asked.since || this.asked.learn) this.look(); // a link shows what its sender saw
  },
  methods: {
    brief, lasted, many, safe, some, tone,
    lines: (one) => `/ui/logs?${query({ node: one.nodes, since: one.onset_us - 300e6, until: (one.closed_us ?? one.detected_us) + 300e6 })}`,
    ask() {
      history.replaceState(null, "", `/ui/detectors?${query({ since: this.since, learn: this.hours })}`);
      return this.look();
    },
    async look() {
      [this.waiting, this.told] = [true, ""];
      try {
        this.found = await call(`/detect?${query({ since: this.since, learn: this.hours })}`);
      } catch (error) {
        this.told = `${error.message} ${error.hint}`;
      }
      this.waiting = false;
    },
  },
  template: `
  <section><h2>Try on the past <small>nothing is stored or told by it</small></h2>
    <form class="filters more" @submit.prevent="ask"><select v-model="since" aria-label="Look at"><option v-if="!times.some(([value]) => value === since)" :value="since">since {{ safe(since) }}</option><option v-for="[value, name] in times" :value="value">{{ name }}</option></select>
      <select v-model="hours" aria-label="Learn"><option v-if="!learn.some(([value]) => value === hours)" :value="hours">only learn for {{ hours }} h</option><option v-for="[value, name] in learn" :value="value">only learn for {{ name }}</option></select><button class="primary" :disabled="waiting">{{ waiting ? 'Looking…' : 'What would have been told?' }}</button></form>
    <p v-if="told" class="told" role="alert">{{ told }}</p>
    <div v-if="found" :aria-busy="waiting" class="apart-above"><p v-if="found.learned_us === null" class="empty">No line was stored in this time.</p>
      <p v-else-if="weekly === null" class="told">All of it would have been learning: it is learned until {{ brief(found.learned_us) }}. Look further back, or learn for a shorter time.</p>
      <p v-else>{{ many(found.incidents.length, 'message') }} since {{ brief(found.learned_us) }}, {{ weekly }} a week; {{ found.untold }} more too thin to be told.</p>
      <template v-if="found.compared_since_us"><p>Beside what was told since {{ brief(found.compared_since_us) }}: {{ found.less.length ? 'it would miss ' + many(found.less.length, 'incident') : 'it would miss nothing' }}, and tell {{ found.more.length || 'no' }} more.</p>
        <ul v-if="moved.length"><li v-for="one in moved"><a class="linked" :href="'/ui/incidents/' + one.id">Incident {{ one.id }}</a> would be told {{ lasted(Math.abs(one.later_s) * 1e6) }} {{ one.later_s > 0 ? 'later' : 'sooner' }}.</li></ul>
        <template v-if="found.less.length"><h3>Would be missed</h3><ul class="rows incidents"><li v-for="one in found.less"><a :href="'/ui/incidents/' + one.id"><i :class="'mark fill-' + tone(one.severity)"></i><span class="what">{{ safe(one.title) }}</span><span class="n">{{ brief(one.onset_us) }}</span>
          <span class="who"><b :class="tone(one.severity)">{{ one.severity }}</b>{{ one.real ? 'people called it real' : 'nobody called it real' }}</span></a></li></ul></template></template>
      <template v-for="[name, listed] in lists"><template v-if="listed.length"><h3 v-if="name">{{ name }}</h3><ul class="rows incidents"><li v-for="one in listed"><a :href="lines(one)"><i :class="'mark fill-' + tone(one.severity)"></i><span class="what">{{ some(one.services) }} on {{ some(one.nodes) }}</span><span class="n">{{ brief(one.onset_us) }}</span>
        <span class="who"><b :class="tone(one.severity)">{{ one.severity }}</b>{{ safe(one.detectors.join(', ')) }} · after {{ lasted(one.detected_us - one.onset_us) }}<template v-if="one.suspects.length"> · first suspect {{ safe(one.suspects[0].service) }} on {{ safe(one.suspects[0].node) }}</template><template v-if="one.held"> · was held: {{ safe(one.held) }}</template></span></a></li></ul></template></template></div></section>`,
};
