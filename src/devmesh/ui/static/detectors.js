// The detectors: how well each does; what is muted and maintained; what another setting would have told.
import Backtest from "devmesh/backtest.js";
import Drift from "devmesh/drift.js";
import Watched from "devmesh/watched.js";
import { call } from "devmesh/api.js";
import { ago, brief, count, hint, many, safe } from "devmesh/text.js";

const HOURS = [[1, "an hour"], [2, "2 hours"], [4, "4 hours"], [12, "12 hours"], [24, "a day"], [72, "3 days"]];
const HOUR_US = 3_600_000_000;
const [VOTES_LEAST, OVER_SHOWN, NORMAL_SHOWN] = [5, 10, 8];

const names = (text) => text.split(",").map((one) => one.trim()).filter(Boolean);

export default {
  props: { data: Object },
  components: { Backtest, Drift, Watched },
  data() {
    return { hours: HOURS, most: NORMAL_SHOWN, mutes: this.data.mutes ?? [], windows: this.data.maintenance ?? [], told: "", fresh: { nodes: "", services: "", hours: 2, reason: "" } };
  },
  methods: {
    ago, brief, count, hint, many, safe,
    precision(one) {
      const votes = one.real + one.noise;
      if (!votes) return "no votes";
      return votes < VOTES_LEAST || one.precision == null ? `too few votes (${votes})` : `${Math.round(one.precision * 100)} % of ${votes}`;
    },
    living: (one) => (one.state ?? (one.active ? "active" : "over")) !== "over",
    // Those that last, and the newest of those that are over.
    shown(some) {
      return [...some.filter(this.living), ...some.filter((one) => !this.living(one)).slice(0, OVER_SHOWN)];
    },
    where: (...lists) => safe(lists.flat().join(", ")) || "everywhere",
    async change(path, json = {}) {
      this.told = "";
      try {
        await call(path, { method: "POST", json });
        [this.mutes, this.windows] = [(await call("/mutes?ended=true")).mutes, (await call("/maintenance?ended=true")).maintenance];
        return true;
      } catch (error) {
        this.told = `${error.message} ${error.hint}`;
        return false;
      }
    },
    async begin() {
      const now = Date.now() * 1_000;
      const { nodes, services, hours, reason } = this.fresh;
      const json = { nodes: names(nodes), services: names(services), since: String(now), until: String(now + hours * HOUR_US), reason };
      if (await this.change("/maintenance", json)) Object.assign(this.fresh, { nodes: "", services: "", reason: "" });
    },
  },
  template: `
  <article tabindex="-1" class="content">
    <p v-if="data.error" class="empty">{{ data.error }} {{ hint(data.hint) }}</p>
    <template v-else><h1>Detectors</h1><Watched :watched="data.watched"/>
    <table class="sheet detectors"><thead><tr><th>Detector</th><th>State</th><th class="n wide">24 h</th><th class="n">30 days</th><th class="n wide">Incidents</th><th class="apart">Right</th></tr></thead>
      <tbody><tr v-for="one in data.detectors"><td><b>{{ safe(one.name) }}</b> <small class="finds">{{ safe(one.finds) }}</small></td><td class="state">{{ one.off ? 'off' : one.learning ? 'learning' : 'watching' }}</td><td class="n wide">{{ count(one.findings_24h) }}</td><td class="n">{{ count(one.findings_30d) }}</td><td class="n wide">{{ count(one.incidents_30d) }}</td>
        <td class="apart">{{ precision(one) }}</td></tr></tbody></table>
    <p class="dim">Counts are findings, and the incidents of 30 days that they had a part in; "right" is what people said of the incidents they were in (Real, Noise on an incident's page).</p>
    <p v-if="told" class="told" role="alert">{{ told }}</p>
    <section v-if="data.normal.length"><h2>Errors that are normal <small>of each service in five minutes, as error rate has learned them</small></h2>
      <table class="sheet"><thead><tr><th>Service</th><th class="n">Normal</th><th class="n">Found from</th><th class="n wide">Learned</th></tr></thead>
        <tbody><tr v-for="one in data.normal.slice(0, most)"><td><b>{{ safe(one.service) }}</b> <small>on {{ safe(one.node) }}</small></td><td class="n">{{ one.mean.toFixed(2) }} ± {{ one.deviation.toFixed(2) }}</td><td class="n">{{ count(one.found_from) }}</td><td class="n wide">{{ many(one.hours, 'hour') }}</td></tr></tbody></table>
      <p v-if="data.normal.length > most"><button @click="most = data.normal.length">All {{ count(data.normal.length) }}</button></p></section>
    <section><h2>Mutes <small>lines that tell nothing for a while; made on an incident's page</small></h2><p v-if="!mutes.length" class="empty">None.</p>
      <ul v-else class="rows kept"><li v-for="one in shown(mutes)" :key="one.id" :class="{over: !living(one)}"><div><span class="what"><a class="linked mono" :href="'/ui/templates/' + one.family">{{ one.family }}</a> {{ safe(one.service) }}: {{ safe(one.line) }}</span>
        <span class="n"><button v-if="data.may && living(one)" @click="change('/mutes/' + one.id + '/end')" :aria-label="'End the mute of ' + one.family">End</button></span>
        <span class="who">{{ safe(one.reason) }} · {{ where(one.nodes) }} · by {{ safe(one.who) }} {{ ago(one.created_us, data.now_us) }} · {{ living(one) ? 'until ' + brief(one.until_us) : 'over' }}<template v-if="one.most_per_hour"> · while at most {{ count(one.most_per_hour) }} an hour</template><template v-if="one.ended_why"> · ended: {{ safe(one.ended_why) }}</template></span></div></li></ul></section>
    <section><h2>Maintenance <small>nothing is told of these meanwhile</small></h2><p v-if="!windows.length" class="empty">None.</p>
      <ul v-else class="rows kept"><li v-for="one in shown(windows)" :key="one.id" :class="{over: !living(one)}"><div><span class="what">{{ where(one.nodes, one.services) }}</span>
        <span class="n"><button v-if="data.may && living(one)" @click="change('/maintenance/' + one.id + '/end')" :aria-label="'End the maintenance of ' + where(one.nodes, one.services)">End</button></span>
        <span class="who">{{ safe(one.reason) }} · by {{ safe(one.who) }} · {{ brief(one.since_us) }} to {{ brief(one.until_us) }}<template v-if="!living(one)"> · over</template></span></div></li></ul>
      <form v-if="data.may" class="filters more apart-above" @submit.prevent="begin"><input class="extra" v-model="fresh.nodes" placeholder="Nodes: nas, web (none: all)" aria-label="Nodes" maxlength="2000"><input class="extra" v-model="fresh.services" placeholder="Services (none: all)" aria-label="Services" maxlength="2000">
        <select v-model="fresh.hours" aria-label="How long"><option v-for="[value, name] in hours" :value="value">from now for {{ name }}</option></select><input class="words" v-model="fresh.reason" required placeholder="Why: kernel update" aria-label="Why" maxlength="500"><button class="primary">Begin</button></form></section>
    <Drift/><Backtest :asked="data.asked" :tuned="data.tuned" :names="data.detectors.map((one) => one.name)"/>
    </template>
  </article>`,
};
