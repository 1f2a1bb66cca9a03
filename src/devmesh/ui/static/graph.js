// The graph: who needs whom, on which hosts, what is wrong with it; one of them in full; what ends many.
import Chart from "devmesh/graph_chart.js";
import Panel from "devmesh/graph_panel.js";
import Proposals from "devmesh/graph_proposals.js";
import { OTHER, SHAPES, key, kind_of, link } from "devmesh/graph_shapes.js";
import { toRaw } from "vue";
import { call, query } from "devmesh/api.js";
import { tone } from "devmesh/incident_rows.js";
import { count, hint, many, safe } from "devmesh/text.js";

const [LISTED, RISKS_SHOWN] = [15, 8];
const BY = [["host", "on their hosts"], ["need", "who needs whom"]];
const LINES = [["declared", "", "declared"], ["learned", "6 4", "learned and accepted"], ["proposed", "1.5 4", "proposed, not in force"]];
const RANKS = { critical: 0, warning: 1, info: 2 };
const size = (one) => one.n ?? 0;
const rank = (one) => RANKS[one.severity] ?? 3;
const fails = (hops) => `fails · ${many(hops, "step")}`;

export default {
  props: { data: Object },
  components: { Chart, Panel, Proposals },
  data() {
    const { of, to, q, by, show } = this.data.asked ?? {};
    return { of: this.data.chosen ?? null, missing: this.data.missing ?? "", to, q, by: by === "need" ? "need" : "host", shown: to && of ? "way" : ["blast", "causes"].includes(show) ? show : "", lit_rows: [], lit_steps: null, all: false, all_risks: false, risks: null, proposed: [], SHAPES, OTHER, LISTED, RISKS_SHOWN, BY };
  },
  async mounted() {
    addEventListener("popstate", () => location.reload());
    if (!this.data.picture) return;
    this.risks = await call("/graph/risks?limit=50").catch((error) => ({ error: `${error.message} ${hint(error.hint)}` }));
  },
  computed: {
    picture() {
      return toRaw(this.data.picture); // it is replaced as a whole; looked at often
    },
    whole() {
      return this.picture.scope === "whole";
    },
    by_shown() {
      return ["near", "hosts"].includes(this.picture.scope) ? "need" : this.by;
    },
    known() {
      return new Map([...this.picture.hosts, ...this.picture.things].map((one) => [`${one.kind} ${one.name}`, one]));
    },
    // The chosen one as the server knows it now.
    one() {
      return this.of && (this.known.get(`${this.of.kind} ${this.of.name}`) ?? this.of);
    },
    incidents_here() {
      return this.data.incidents.filter((it) => it.things.includes(this.one.id));
    },
    matches() {
      const asked = this.q?.trim().toLowerCase();
      if (!asked || !this.whole) return null;
      return this.picture.things.filter((one) => [one.name, one.type, ...one.hosts].some((word) => word.toLowerCase().includes(asked)));
    },
    lit() {
      const of = this.one;
      if (of && this.shown === "way" && this.lit_steps) return new Set([of.id, ...this.lit_steps.flatMap((step) => [this.id_of(step.who), this.id_of(step.what)])]);
      if (of && ["blast", "causes"].includes(this.shown)) return new Set([of.id, ...this.lit_rows.map((row) => this.known.get(`${row.kind} ${row.name}`)?.id)]);
      if (of?.kind === "host") return new Set(this.picture.things.filter((one) => one.hosts.includes(of.name)).map((one) => one.id));
      if (of) return new Set([of.id, ...this.picture.edges.filter(([who, what]) => who === of.id || what === of.id).flat()]);
      return this.matches && new Set(this.matches.map((one) => one.id));
    },
    ways() {
      if (this.shown === "way" && this.lit_steps) return new Set(this.lit_steps.map((step) => `${this.id_of(step.who)} ${this.id_of(step.what)}`));
      if (this.of && !this.shown) return new Set(this.picture.edges.filter((edge) => edge.slice(0, 2).includes(this.one.id)).map(([who, what]) => `${who} ${what}`));
      return null;
    },
    notes() {
      const notes = {};
      if (this.picture.scope === "hosts") for (const one of this.picture.things) notes[one.id] = many(one.n, "service") + (one.severity ? ` · ${one.severity}` : "");
      const say = this.shown === "blast" ? fails : (hops) => many(hops, "step");
      if (["blast", "causes"].includes(this.shown))
        for (const row of this.lit_rows) {
          const there = this.known.get(`${row.kind} ${row.name}`);
          if (there) notes[there.id] = say(row.hops) + (there.severity ? `\n${there.severity}` : "");
        }
      return notes;
    },
    // What stands out but has no place in the picture.
    beyond() {
      return this.lit_rows.filter((row) => row.kind === "service" && !this.known.has(`service ${row.name}`)).length;
    },
    // With proposals, where people want to see them.
    edges() {
      const pairs = this.proposed.map(([who, what]) => [this.known.get(`service ${who}`)?.id, this.known.get(`service ${what}`)?.id]);
      return [...this.picture.edges, ...pairs.filter(([who, what]) => who !== undefined && what !== undefined).map(([who, what]) => [who, what, [], "proposed"])];
    },
    lines() {
      const there = new Set(this.edges.map((edge) => edge[3]));
      return there.size > 1 || (there.size && !there.has("declared")) ? LINES.filter(([kind]) => there.has(kind)) : [];
    },
    kinds() {
      return [...new Set(this.picture.things.map(kind_of))].sort((a, b) => (a === OTHER) - (b === OTHER) || (a < b ? -1 : 1));
    },
    listed() {
      return [...(this.matches ?? this.picture.things)].sort((a, b) => rank(a) - rank(b) || size(b) - size(a) || (a.name < b.name ? -1 : 1));
    },
    told() {
      const { scope, things, left_out } = this.picture;
      const more = left_out ? ` ${count(left_out)} more have no room here.` : "";
      if (scope === "hosts") return `${count(this.data.services)} services are too many for one picture: these are ${things.length} of the places where they run: those with trouble, then those with most of them.${more} Look for a service, or choose a place.`;
      if (scope === "near") return `${count(this.data.services)} services are too many for one picture: these are ${left_out ? `the nearest ${things.length} of ${count(things.length + left_out)}` : `the ${things.length}`} within two steps of ${safe(this.of?.name)}.`;
      if (scope === "found") return `${many(things.length + left_out, "service")} with “${safe(this.data.asked.q)}” in name, type or host.${more}`;
      return "";
    },
    said() {
      const ill = this.picture.things.filter((one) => one.severity);
      return `${many(this.data.services, "service")} on ${many(this.data.hosts, "host")}, ${many(this.picture.edges.length, "line")} of who needs whom. ${ill.length ? `Not well: ${ill.map((one) => `${safe(one.name)}, ${one.severity}`).join("; ")}.` : "All well."} The list below says the same.`;
    },
  },
  methods: {
    count, hint, link, many, safe, tone,
    id_of(name) {
      return (this.known.get(`service ${name}`) ?? this.known.get(`host ${name}`))?.id;
    },
    address(more = {}) {
      const of = this.of && key(this.of);
      const show = ["blast", "causes"].includes(this.shown) ? this.shown : "";
      const said = query({ of, to: this.shown === "way" ? this.to : "", q: this.q, by: this.by === "need" ? "need" : "", show, ...more }).toString();
      return `/ui/graph${said ? `?${said}` : ""}`;
    },
    keep() {
      if (this.address() !== location.pathname + location.search) history.pushState(null, "", this.address());
    },
    pick(id) {
      const one = [...this.picture.things, ...this.picture.hosts].find((one) => one.id === id);
      if (this.picture.scope !== "hosts") this.choose(one);
      else if (one.hosts.length) this.choose({ kind: "host", name: one.hosts[0] });
    },
    choose(one) {
      const there = this.known.get(`${one.kind} ${one.name}`);
      [this.shown, this.lit_rows, this.lit_steps, this.to, this.missing] = ["", [], null, "", ""];
      if (!this.whole || !there) {
        this.of = one;
        location.assign(this.address({ q: this.whole ? this.q : "" }));
        return;
      }
      this.of = there;
      this.keep();
      this.$nextTick(() => this.$refs.panel.$el.focus({ preventScroll: true }));
    },
    close() {
      [this.of, this.shown, this.lit_rows, this.lit_steps] = [null, "", [], null];
      this.whole ? this.keep() : location.assign(this.address());
    },
    light({ what, rows, steps }) {
      [this.shown, this.lit_rows, this.lit_steps] = [what, rows, steps];
      this.keep();
    },
    arrange(by) {
      this.by = by;
      this.keep();
    },
    look() {
      const asked = this.q.trim();
      const named = this.picture.things.filter((one) => one.name === asked);
      const only = named.length ? named : (this.matches ?? []);
      if (only.length === 1 && this.picture.scope !== "hosts") this.choose(only[0]);
      else if (this.whole) this.keep();
      else {
        this.of = null;
        location.assign(this.address());
      }
    },
  },
  template: `
  <article tabindex="-1" class="content graph" :class="{opened: of}">
    <p v-if="data.error" class="empty">{{ data.error }} {{ hint(data.hint) }}</p>
    <template v-else-if="!picture"><h1>Graph</h1>
      <p class="empty">No inventory is loaded, so nobody knows who needs whom. On the server:</p>
      <ol class="suspects"><li><code>devmesh graph init &gt; inventory.yaml</code> proposes one from the logs</li><li>correct it: it is a short text file, and it is yours</li><li><code>devmesh graph load inventory.yaml</code></li></ol></template>
    <template v-else>
    <header class="head"><h1>Graph <small>{{ many(data.services, 'service') }} on {{ many(data.hosts, 'host') }}</small></h1><span class="ranges" v-if="!['near', 'hosts'].includes(picture.scope)" role="group" aria-label="Arrangement"><a v-for="[value, name] in BY" :href="address({by: value})" :aria-current="by === value ? 'true' : undefined" @click.prevent="arrange(value)">{{ name }}</a></span></header>
    <p v-if="data.engine.state === 'degraded'" class="ill"><span><b>Graph engine degraded</b> {{ safe(data.engine.reason) }}</span></p>
    <p v-if="missing" class="told" role="alert">{{ safe(missing) }}</p>
    <form class="filters ask" role="search" @submit.prevent="look"><input class="words" v-model="q" data-first list="graph-names" maxlength="200" placeholder="Service, type or host" aria-label="Service, type or host"><button>{{ whole ? 'Choose' : 'Look' }}</button></form>
    <datalist v-once id="graph-names"><option v-for="name in data.names" :value="name">{{ safe(name) }}</option></datalist>
    <p v-if="told" class="told">{{ told }} <a v-if="picture.scope !== 'hosts'" class="linked" href="/ui/graph">All places</a></p>
    <div class="split"><section class="drawn">
      <Chart v-if="picture.things.length" :things="picture.things" :edges="edges" :hosts="picture.hosts" :by="by_shown" :chosen="one?.id" :lit="lit" :ways="ways" :notes="notes" :label="said" @choose="pick"/>
      <ul class="graph-legend"><li v-if="picture.scope !== 'hosts'">A <span class="arrow">→</span> B: A needs B, and fails when B does</li><li v-for="[kind, dashes, name] in lines"><svg class="stroke" viewBox="0 0 30 10" aria-hidden="true"><path d="M0 5h30" :stroke-dasharray="dashes"/></svg>{{ name }}</li><li v-for="kind in kinds"><svg viewBox="0 0 24 24" aria-hidden="true"><path :d="SHAPES[kind]"/></svg>{{ kind === OTHER ? 'another type' : kind }}</li>
        <li><i class="dot fill-crit"></i>critical incident</li><li><i class="dot fill-warn"></i>warning</li><li><i class="dot none"></i>none open</li><li v-if="beyond" class="strong">{{ beyond }} more of them are not in this picture</li><li v-if="picture.edges_left_out">{{ count(picture.edges_left_out) }} more lines are left out</li></ul></section>
      <Panel v-if="one" ref="panel" :one="one" :incidents="incidents_here" :names="data.names" :shown="shown" :to="to ?? ''" :now="data.now_us" @choose="choose" @close="close" @lit="light" @to="to = $event"/></div>
    <section><h2>{{ picture.scope === 'hosts' ? 'Places' : 'Services' }} <small v-if="matches">{{ matches.length }} of {{ picture.things.length }}</small></h2>
      <p v-if="!listed.length" class="empty">No service has that in its name, type or hosts.</p>
      <table v-else class="sheet"><thead><tr v-if="picture.scope === 'hosts'"><th>Where</th><th class="n">Services</th><th>Open incidents</th></tr><tr v-else><th>Service</th><th class="wide">Type</th><th>Where</th><th class="n wide">Needs</th><th class="n wide">Needed by</th><th class="apart">Open incidents</th></tr></thead>
        <tbody><tr v-for="it in listed.slice(0, all ? undefined : LISTED)" :key="it.id"><td><a v-if="it.hosts.length || it.kind === 'service'" :href="link(it.kind === 'service' ? it : {kind: 'host', name: it.hosts[0]})" @click.prevent="pick(it.id)">{{ safe(it.name) }}</a><template v-else>{{ safe(it.name) }}</template></td>
          <template v-if="it.kind === 'service'"><td class="wide dim">{{ safe(it.type) }}</td><td>{{ safe(it.place) }}</td><td class="n wide">{{ it.needs || '' }}</td><td class="n wide">{{ it.users || '' }}</td></template><td v-else class="n">{{ count(it.n) }}</td><td class="apart" :class="tone(it.severity)">{{ it.severity }}</td></tr></tbody></table>
      <p v-if="listed.length > LISTED && !all" class="apart-above"><button @click="all = true">All {{ listed.length }}</button></p></section>
    <Proposals :may="data.may" :now="data.now_us" @drawn="proposed = $event" @choose="choose"/>
    <div v-if="risks" class="columns"><p v-if="risks.error" class="told">{{ risks.error }}</p><template v-else>
      <section><h2>Single points of failure <small>run only once, and end others</small></h2><p v-if="!risks.points.length" class="empty">None ends two services or more.</p><table v-else class="sheet"><tbody><tr v-for="it in risks.points.slice(0, all_risks ? undefined : RISKS_SHOWN)"><td><a :href="link(it)" @click.prevent="choose(it)">{{ safe(it.name) }}</a> <small>{{ it.kind === 'host' ? 'host' : safe(it.type) }}</small></td><td class="n">ends {{ count(it.ends) }}</td></tr></tbody></table>
        <p v-if="risks.points.length > RISKS_SHOWN && !all_risks" class="apart-above"><button @click="all_risks = true">{{ risks.points.length }} of them</button></p></section>
      <section><h2>Rings <small>need each other: none of them can start first</small></h2><p v-if="!risks.rings.length" class="empty">None.</p><ul v-else><li v-for="ring in risks.rings.slice(0, all_risks ? undefined : RISKS_SHOWN)" class="ring"><template v-for="(name, at) in ring.slice(0, 20)"><template v-if="at">, </template><a class="linked" :href="link({kind: 'service', name})" @click.prevent="choose({kind: 'service', name})">{{ safe(name) }}</a></template><template v-if="ring.length > 20"> and {{ ring.length - 20 }} more</template></li></ul></section></template></div>
    </template>
  </article>`,
};
