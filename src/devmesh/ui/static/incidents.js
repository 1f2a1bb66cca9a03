// The incidents: what is open comes first.
import Rows from "devmesh/incident_rows.js";
import Watched from "devmesh/watched.js";
import { query } from "devmesh/api.js";
import { safe } from "devmesh/text.js";

const STATES = [["", "open"], ["closed", "closed"], ["all", "open and closed"]];
const SEVERITIES = [["", "any severity"], ["critical", "critical"], ["warning", "warning"], ["info", "info"]];
const TIMES = [["", "any time"], ["24h", "last 24 hours"], ["7d", "last 7 days"], ["30d", "last 30 days"]];

export default {
  props: { data: Object },
  components: { Rows, Watched },
  data: () => ({ states: STATES, severities: SEVERITIES, times: TIMES, more: false }),
  computed: {
    asked() {
      return this.data.asked ?? { status: "", severity: "", since: "", service: [], node: [], thin: false };
    },
    chips() {
      return ["service", "node"].flatMap((name) => this.asked[name].map((value) => ({ name, value, text: `${name} ${safe(value)}` })));
    },
    narrowed() {
      return this.chips.length || this.asked.severity || this.asked.since;
    },
    since() {
      return TIMES.some(([value]) => value === this.asked.since) ? "" : this.asked.since;
    },
  },
  methods: {
    safe,
    at(change) {
      const asked = { ...this.asked, ...change };
      const said = query({ ...asked, thin: asked.thin ? "true" : "" });
      return `/ui/incidents${said.size ? `?${said}` : ""}`;
    },
    ask(change) {
      location.assign(this.at(change));
    },
    add(name, event) {
      const value = event.target.value.trim();
      event.target.value = "";
      if (value && !this.asked[name].includes(value)) this.ask({ [name]: [...this.asked[name], value] });
    },
  },
  template: `
  <article tabindex="-1" class="content">
    <h1>Incidents</h1>
    <form class="filters" :class="{more}" @submit.prevent>
      <select data-first :value="asked.status" aria-label="Status" @change="ask({status: $event.target.value})"><option v-for="[value, name] in states" :value="value">{{ name }}</option></select>
      <button type="button" class="expand" @click="more = !more" :aria-expanded="more">Filters{{ narrowed ? ' on' : '' }}</button>
      <select class="extra" :value="asked.severity" aria-label="Severity" @change="ask({severity: $event.target.value})"><option v-for="[value, name] in severities" :value="value">{{ name }}</option></select>
      <select class="extra" :value="asked.since" aria-label="Since" @change="ask({since: $event.target.value})"><option v-if="since" :value="since">since {{ safe(since) }}</option><option v-for="[value, name] in times" :value="value">{{ name }}</option></select>
      <input class="extra" list="known-services" placeholder="Service" aria-label="Service" @change="add('service', $event)" autocapitalize="off" spellcheck="false"><datalist id="known-services"><option v-for="name in data.services ?? []" :value="name"/></datalist>
      <input class="extra" list="known-nodes" placeholder="Node" aria-label="Node" @change="add('node', $event)" autocapitalize="off" spellcheck="false"><datalist id="known-nodes"><option v-for="name in data.nodes ?? []" :value="name"/></datalist>
      <label class="check extra"><input type="checkbox" :checked="asked.thin" @change="ask({thin: $event.target.checked})"> thin ones, too</label>
      <div v-if="chips.length" class="chips"><button v-for="chip in chips" type="button" class="chip" :aria-label="'Remove ' + chip.text" @click="ask({[chip.name]: asked[chip.name].filter(one => one !== chip.value)})">{{ chip.text }} <span aria-hidden="true">×</span></button></div></form>
    <p v-if="data.error" class="told" role="alert">{{ data.error }} {{ data.hint }} <a class="linked" href="/ui/incidents">All that are open</a></p>
    <template v-else>
    <section v-if="data.open"><h2 v-if="asked.status === 'all'">Open</h2><Rows v-if="data.open.length" :incidents="data.open" :now="data.now_us"/>
      <p v-else-if="narrowed" class="empty">None that is open matches. <a class="linked" :href="at({severity: '', since: '', service: [], node: []})">All that are open</a></p>
      <Watched :watched="data.watched" :calm="!data.open.length && !narrowed"/></section>
    <section v-if="data.closed"><h2 v-if="asked.status === 'all'">Closed</h2><Rows v-if="data.closed.length" :incidents="data.closed" :now="data.now_us"/><p v-else class="empty">{{ narrowed ? 'None that is closed matches.' : 'None was closed yet.' }}</p></section>
    <p class="under"><a v-if="data.cursor" :href="at({after: data.cursor})">Older ones</a><a v-if="asked.after" :href="at({after: ''})">The newest</a><a v-if="!asked.status" :href="at({status: 'closed'})">Closed ones</a><a v-else-if="asked.status === 'closed'" :href="at({status: ''})">Open ones</a><a href="/ui/detectors">Detectors</a></p>
    </template>
  </article>`,
};
