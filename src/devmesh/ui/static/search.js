// One box for words and meaning. The questions that were asked here stay in this browser.
import Families from "devmesh/families.js";
import { brief, group, line, many, safe } from "devmesh/text.js";

const KEPT = 20;
const PLACE = "devmesh-questions";

export default {
  props: { data: Object },
  components: { Families },
  data: () => ({ asked: [] }),
  created() {
    try {
      this.asked = JSON.parse(localStorage.getItem(PLACE) ?? "[]").filter((one) => typeof one === "string");
      if (this.data.q) {
        this.asked = [this.data.q, ...this.asked.filter((one) => one !== this.data.q)].slice(0, KEPT);
        localStorage.setItem(PLACE, JSON.stringify(this.asked));
      }
    } catch {
      // No storage: no history.
    }
  },
  methods: {
    brief, group, line, many, safe,
    forget() {
      localStorage.removeItem(PLACE);
      this.asked = [];
    },
  },
  template: `
  <article tabindex="-1" class="content">
    <form class="filters ask" action="/ui/search" method="get"><input data-first class="words" type="search" name="q" :value="data.q" placeholder="In your own words: disk is dying" aria-label="Question" maxlength="1000" :autofocus="!data.q">
      <button class="primary">Search</button></form>
    <p v-if="data.error" class="told" role="alert">{{ data.error }} {{ data.hint }}</p>
    <template v-else-if="data.q">
      <p v-for="(reason, name) in data.missing" class="told">Without {{ name }}: {{ reason }}</p>
      <p v-if="!data.families.length" class="empty"><template v-if="!data.searched">Nothing is stored yet, so there is nothing to find.</template><template v-else>Nothing answers to that among {{ many(data.searched, 'family').replace('familys', 'families') }}. Other words? Or <a class="linked" :href="'/ui/logs?since=all&contains=' + encodeURIComponent(data.q)">look for these very words in the lines</a>.</template></p>
      <section v-else><h2>Templates <small>best first</small></h2><Families :families="data.families" :now="Date.now() * 1000" why heads/></section>
      <section v-if="data.events.length"><h2>Lines <small>the newest of the best templates</small></h2>
        <ol class="near mono"><li v-for="one in data.events"><a :href="'/ui/logs?since=all&template=' + one.family + '&line=' + one.id"><i :class="'mark fill-' + group(one.priority)"></i><time>{{ brief(one.ts_us) }}</time> <span class="dim">{{ safe(one.node) }} {{ safe(one.service) }}</span> {{ line(one.message).slice(0, 600) }}</a></li></ol>
        <p class="under"><a :href="'/ui/logs?since=all&contains=' + encodeURIComponent(data.q)">Lines with these very words</a></p></section>
    </template>
    <section v-if="asked.length"><h2>Asked before</h2><ul class="asked"><li v-for="one in asked"><a class="linked" :href="'/ui/search?q=' + encodeURIComponent(one)">{{ safe(one) }}</a></li></ul><p><button class="quiet" @click="forget">Forget them</button></p></section>
    <p v-else-if="!data.q && !data.error" class="empty">{{ data.searched ? many(data.searched, 'family').replace('familys', 'families') + ' can be found by words and by meaning.' : 'Nothing is stored yet, so there is nothing to find.' }}</p>
  </article>`,
};
