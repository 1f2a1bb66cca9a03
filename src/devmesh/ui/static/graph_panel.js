// One service or host of the graph: what it is, what is wrong with it, whom it needs and who needs it, and the way to another.
import { call, query } from "devmesh/api.js";
import { link } from "devmesh/graph_shapes.js";
import { tone } from "devmesh/incident_rows.js";
import { count, hint, many, safe } from "devmesh/text.js";

const ROWS = 200; // of each answer
const NAMES_SHOWN = 24; // at one distance
const far = (hops) => (hops === 1 ? "in one step" : `in ${hops} steps`);

export default {
  // `shown`: "", blast, causes or way, what stands out in the picture.
  props: { one: Object, incidents: Array, names: Array, shown: String, to: String, now: Number },
  emits: ["choose", "close", "lit", "to"],
  data() {
    return { blast: null, causes: null, ways: null, failed: "", asked: this.to, all: {} };
  },
  watch: {
    "one.id": { immediate: true, handler() { this.look(); } }, // prettier-ignore
  },
  computed: {
    said() {
      return query({ service: this.one.said });
    },
    answers() {
      return [
        ["blast", this.one.kind === "host" ? "Fails with it" : "Needs it, fails with it", this.blast],
        ["causes", this.one.kind === "host" ? "It needs" : "It needs, may be behind its trouble", this.causes],
      ].filter(([, , found]) => found && (found.total || this.one.kind !== "host"));
    },
  },
  methods: {
    count, far, hint, link, many, query, safe, tone,
    async look() {
      [this.blast, this.causes, this.ways, this.failed, this.all] = [null, null, null, "", {}];
      const [asked, of] = [this.one.id, `${this.one.kind}:${this.one.name}`];
      try {
        const found = await Promise.all(["blast", "causes"].map((what) => call(`/graph/${what}?${query({ of, limit: ROWS })}`)));
        if (asked !== this.one.id) return; // somebody else was chosen meanwhile
        [this.blast, this.causes] = found;
        if (this.shown === "way" && this.asked) await this.find_way();
        else if (this.shown) this.light(this.shown);
      } catch (error) {
        this.failed = `${error.message} ${hint(error.hint)}`;
      }
    },
    steps(found) {
      return found.by_hops.map((n, at) => ({ hops: at + 1, n, rows: found.rows.filter((one) => one.hops === at + 1) })).filter((one) => one.n);
    },
    few(what, step) {
      return this.all[what + step.hops] ? step.rows : step.rows.slice(0, NAMES_SHOWN);
    },
    // What stands out: names with their distance; or the steps of ways.
    light(what) {
      this.$emit("lit", { what, rows: this[what].rows, steps: null });
    },
    turn(what) {
      this.shown === what ? this.$emit("lit", { what: "", rows: [], steps: null }) : this.light(what);
    },
    async find_way() {
      this.failed = "";
      this.ways = null;
      const [here, there] = [`${this.one.kind}:${this.one.name}`, this.asked.trim()];
      if (!there) return;
      this.$emit("to", there);
      try {
        const ask = (start, end) => call(`/graph/path?${query({ start, end })}`);
        const first = await ask(here, there);
        this.ways = first.ways.length ? first : await ask(there, here);
        this.$emit("lit", { what: "way", rows: [], steps: this.ways.ways.flat() });
      } catch (error) {
        this.failed = `${error.message} ${hint(error.hint)}`;
      }
    },
    told: (way) => [way[0].who, ...way.map((step) => step.what)],
  },
  template: `
  <aside class="line graph-panel" tabindex="-1" :aria-label="'About ' + safe(one.name)" @keydown.esc="$emit('close')">
    <span class="close"><button class="quiet" @click="$emit('close')" aria-label="Close">×</button></span>
    <header><h2>{{ safe(one.name) }}</h2><p class="dim">{{ one.kind === 'host' ? 'host' : safe(one.type) || 'no type' }}<template v-if="one.kind !== 'host'"> on <template v-for="(host, at) in one.hosts"><template v-if="at">, </template><a :href="link({kind: 'host', name: host})" @click.prevent="$emit('choose', {kind: 'host', name: host})">{{ safe(host) }}</a></template><template v-if="!one.hosts.length">no host</template></template></p>
      <p v-if="one.also?.length" class="dim">also called {{ safe(one.also.join(', ')) }}</p>
      <p class="under"><a v-if="one.kind === 'host'" :href="'/ui/nodes?' + query({node: one.name})">What it says</a><a v-else-if="one.said.length" :href="'/ui/logs?' + said">Its lines</a><span v-else>No line of it is stored: an alias may be missing.</span><a v-if="one.said.length" :href="'/ui/services?' + query({service: one.said[0]})">What it says</a></p></header>
    <section><h3>Open incidents</h3><ul v-if="incidents.length" class="rows found"><li v-for="it in incidents"><a :href="'/ui/incidents/' + it.id"><i :class="'mark fill-' + tone(it.severity)"></i><span class="what">{{ safe(it.title) }}</span><span class="n"></span><span class="who"><b :class="tone(it.severity)">{{ it.severity }}</b></span></a></li></ul><p v-else class="dim">None.</p></section>
    <p v-if="failed" class="told" role="alert">{{ failed }}</p>
    <section v-for="[what, title, found] in answers"><h3>{{ title }} <small>{{ count(found.total) }}</small> <button v-if="found.total" :aria-pressed="shown === what" @click="turn(what)">{{ what === 'blast' ? 'Show what fails' : 'Show what may be behind it' }}</button></h3>
      <p v-if="!found.total" class="dim">Nobody, as far as it is declared.</p>
      <dl class="steps"><template v-for="step in steps(found)"><dt>{{ far(step.hops) }}</dt><dd><template v-for="(row, at) in few(what, step)"><template v-if="at">, </template><a :href="link(row)" @click.prevent="$emit('choose', row)">{{ safe(row.name) }}</a><small v-if="row.kind === 'host'"> host</small><small v-if="!row.sure">, one of several</small></template>
        <template v-if="step.n > few(what, step).length"> <button v-if="step.rows.length > few(what, step).length" class="quiet" @click="all = {...all, [what + step.hops]: true}">and {{ step.n - few(what, step).length }} more</button><small v-else>{{ step.rows.length ? ' and ' : '' }}{{ count(step.n - step.rows.length) }}{{ step.rows.length ? ' more' : '' }}</small></template></dd></template></dl>
      <p v-if="found.weakened?.length" class="dim">Weakened, for they run elsewhere, too: {{ safe(found.weakened.slice(0, 20).join(', ')) }}<template v-if="found.weakened.length > 20"> and {{ found.weakened.length - 20 }} more</template>.</p></section>
    <section><h3>The way to another</h3><form class="tools" @submit.prevent="find_way"><input v-model="asked" list="graph-names" maxlength="200" placeholder="service or host" aria-label="The way to"><button :disabled="!asked.trim()">Show the way</button></form>
      <template v-if="ways"><p v-if="!ways.ways.length" class="dim">Neither needs the other, over any number of steps.</p><ol v-else class="ways"><li v-for="way in ways.ways"><template v-for="(name, at) in told(way)"><span v-if="at" class="dim">{{ ' needs ' }}</span><b>{{ safe(name) }}</b></template></li></ol></template></section>
  </aside>`,
};
