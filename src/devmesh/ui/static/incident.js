// One incident. What somebody needs first stands first: what, how bad, since when, who is to blame.
import Claim from "devmesh/claim.js";
import Deeds from "devmesh/deeds.js";
import Graph from "devmesh/incident_graph.js";
import TemplateText from "devmesh/template_text.js";
import Timeline from "devmesh/timeline.js";
import { call, copy, query } from "devmesh/api.js";
import { lasted, open, some, tone } from "devmesh/incident_rows.js";
import { ago, brief, clock, group, hint, line, lines as lines_of, many, missed, safe, stamp, zone } from "devmesh/text.js";

const [LINES_SHOWN, QUOTED] = [8, 90];
const AROUND_US = 300_000_000; // of a finding, on the page of lines
const SECTIONS = [["what", "What"], ["where", "Where"], ["since", "Since when"], ["course", "How it went on"], ["unexplained", "What that does not explain"], ["order", "Who came next"], ["impact", "Impact"], ["changed", "Changed ahead of it"], ["others", "Other nodes"]];
const DID = { told: "told", muted: "muted", worse: "told again", left: "told again", closed: "closed", reopened: "reopened", merged: "merged", split: "split", investigating: "looks into it", note: "" };

export default {
  props: { data: Object },
  components: { Claim, Deeds, Graph, TemplateText, Timeline },
  data: () => ({ LINES_SHOWN, QUOTED, got: null, all: false, lines_all: false, splitting: false, chosen: [], text: "", told: "", copied: "" }),
  watch: {
    data() {
      this.got = null; // what the server sends is newer
    },
  },
  computed: {
    it() {
      return this.got ?? this.data.incident;
    },
    open() {
      return open(this.it);
    },
    findings() {
      return this.all || this.splitting ? this.it.findings : this.it.findings.filter((one) => this.it.chief.includes(one.id));
    },
    suspects() {
      return this.it.report?.suspects ?? this.it.suspects;
    },
    told_of() {
      return SECTIONS.map(([key, name]) => [name, this.it.report?.[key] ?? []]).filter(([, facts]) => facts.length);
    },
    // What to type, and where; what is asked of people stands there as it is.
    checks() {
      return this.it.next_checks.map((one) => {
        const [, node, rest] = /^On (\S+): (.*)$/s.exec(safe(one)) ?? [null, "", safe(one)];
        return /[?.]$/.test(rest) ? { node, question: rest } : { node, command: rest };
      });
    },
    headline() {
      const { services, nodes, suspects, inconclusive } = this.it;
      const where = `${some(services)} on ${some(nodes)}`;
      if (inconclusive || !suspects.length) return `Seen at ${where}. What caused it is not clear from the lines.`;
      const [first] = suspects;
      return `Seen at ${where}. The first suspect is ${safe(first.service)} on ${safe(first.node)}.`;
    },
  },
  methods: {
    ago, brief, clock, group, hint, lasted, line, lines_of, many, safe, some, stamp, tone, zone,
    at: (page, name) => `/ui/${page}?${page === "nodes" ? "node" : "service"}=${encodeURIComponent(name)}`,
    lines(asked) {
      return `/ui/logs?${query(asked)}`;
    },
    of_finding(one) {
      const about = one.family ? { template: one.family } : one.service ? { service: one.service } : {};
      return this.lines({ ...about, node: one.node, since: one.at_us - AROUND_US, until: one.last_us + AROUND_US });
    },
    of_event(one) {
      return this.lines({ node: one.node, since: one.ts_us - AROUND_US, until: one.ts_us + AROUND_US, line: one.id });
    },
    zoom({ since_us, until_us }) {
      location.assign(this.lines({ node: this.it.nodes, since: since_us, until: until_us }));
    },
    says: (one) => safe(one.habit ? missed(one.habit) : one.text),
    did: (one) => DID[one.kind] ?? one.kind,
    async refresh() {
      this.got = await call(`/incidents/${this.data.incident.id}`);
    },
    async note() {
      try {
        await call(`/incidents/${this.it.id}/note`, { method: "POST", json: { text: this.text.trim() } });
        [this.text, this.told] = ["", ""];
        await this.refresh();
      } catch (error) {
        this.told = `${error.message} ${error.hint}`;
      }
    },
    begin_split() {
      this.splitting = !this.splitting;
      this.chosen = [];
      if (this.splitting) this.$refs.findings.scrollIntoView({ block: "start" });
    },
    async split() {
      try {
        const { id } = await call(`/incidents/${this.it.id}/split`, { method: "POST", json: { findings: this.chosen } });
        location.assign(`/ui/incidents/${id}`);
      } catch (error) {
        this.told = `${error.message} ${error.hint}`;
      }
    },
    async take(text) {
      await copy(text);
      this.copied = text;
    },
  },
  template: `
  <article tabindex="-1" class="content one incident">
    <p v-if="data.error" class="empty">{{ data.error }} {{ hint(data.hint) }} <a class="linked" href="/ui/incidents">All incidents</a></p>
    <template v-else>
    <header><p class="dim"><b class="badge" :class="tone(it.severity)">{{ it.severity }}</b> Incident {{ it.id }} · {{ it.status === 'investigating' ? 'open, somebody looks into it' : it.status }}<template v-if="it.reopened"> · came back {{ it.reopened === 1 ? 'once' : it.reopened + ' times' }}</template></p>
      <h1>{{ safe(it.title) }}</h1><p><Claim v-if="it.report?.hypothesis" :fact="it.report.hypothesis"/><template v-else>{{ headline }}</template></p><p v-if="it.report?.chain" class="course"><Claim :fact="it.report.chain"/></p>
      <p v-if="it.merged_into" class="told">It went into <a class="linked" :href="'/ui/incidents/' + it.merged_into">incident {{ it.merged_into }}</a>.</p>
      <dl class="figures"><div><dt>Since</dt><dd>{{ brief(it.onset_us) }} <small>{{ zone(it.onset_us) }}, {{ ago(it.onset_us, data.now_us) }}</small></dd></div>
        <div v-if="open"><dt>Lasts</dt><dd>{{ lasted(data.now_us - it.onset_us) }}</dd></div><div v-else><dt>Closed</dt><dd>{{ brief(it.closed_us) }} <small>{{ it.closed_by ? 'by ' + safe(it.closed_by) : 'by itself' }}, after {{ lasted(it.closed_us - it.onset_us) }}</small></dd></div>
        <div v-if="it.detected_us"><dt>Noticed</dt><dd>{{ brief(it.detected_us) }}</dd></div>
        <div><dt>Told</dt><dd>{{ it.told_us ? brief(it.told_us) : it.detected_us ? 'nobody' : 'not told, the evidence is thin' }}</dd></div></dl></header>
    <Deeds v-if="data.may && !it.merged_into" :incident="it" :parts="it.findings.length" :splitting="splitting" @changed="refresh" @split="begin_split"/>
    <p v-else-if="!data.may" class="dim">You may look here, but change nothing.</p>
    <section><h2>Suspects <small v-if="it.report?.author === 'rules'" class="chip">written without a model</small></h2>
      <p v-if="it.inconclusive" class="told">Inconclusive: the lines do not say which of them it was.</p><p v-if="!suspects.length" class="empty">{{ it.report ? 'Nobody in particular.' : 'No report yet: it is written once there is evidence enough to tell.' }}</p>
      <ol v-else class="suspects"><li v-for="(one, place) in suspects"><details :open="!place"><summary><b>{{ safe(one.service) }} on {{ safe(one.node) }}</b> <span v-if="one.confidence != null" class="dim">{{ Math.round(one.confidence * 100) }} % sure</span></summary>
        <ul><li v-for="why in one.for ?? one.reasons" class="pro"><Claim :fact="why" :most="QUOTED"/></li><li v-for="why in one.against ?? []" class="contra"><Claim :fact="why" :most="QUOTED"/></li></ul><p class="under"><a :href="at('services', one.service)">What {{ safe(one.service) }} says</a><a :href="at('nodes', one.node)">What {{ safe(one.node) }} says</a></p></details></li></ol>
      <template v-if="it.ledger"><p v-if="it.ledger.explained.length"><b>Explains</b> {{ safe([...new Set(it.ledger.explained.map((one) => one.how))].join(', ')) }}.</p><p v-if="it.ledger.unexplained.length" class="dim"><b>Does not explain</b> {{ safe(it.ledger.unexplained.map((one) => one.service + ' on ' + one.node).join(', ')) }}.</p></template></section>
    <section><h2>Who needs whom</h2><Graph v-if="data.graph?.things.length" :graph="data.graph" :severity="it.severity"/><p v-else class="dim">{{ data.graph ? 'None of them is in the inventory: devmesh graph load brings a better one in.' : 'No inventory is loaded, so this is not known: devmesh graph init proposes one.' }}</p></section>
    <section><h2>Around it</h2><Timeline :timeline="it.timeline" :blind="data.blind" :nodes="it.nodes" @zoom="zoom"/></section>
    <section v-if="it.similar.length"><h2>Seen before <small>what looked like this one</small></h2><ul class="rows incidents"><li v-for="one in it.similar"><a :href="'/ui/incidents/' + one.id"><i class="mark"></i><span class="what">{{ safe(one.title) }}</span><span class="n">{{ Math.round(one.alike * 100) }} %</span>
        <span class="who">{{ brief(one.onset_us) }} · {{ safe(one.same || 'shared: ' + one.shared.join(', ')) }}<template v-if="one.missing.length"> · not here: {{ safe(one.missing.join(', ')) }}</template></span><span v-for="note in one.notes" class="why">{{ safe(note.text ?? note) }}</span></a></li></ul></section>
    <section v-if="it.next_checks.length"><h2>Next <small>to be run by you; nothing was run</small></h2><ul class="checks"><li v-for="one in checks"><span><i v-if="one.node" class="dim">on {{ one.node }}</i><code v-if="one.command">{{ one.command }}</code><template v-else>{{ one.question }}</template></span><button v-if="one.command" @click="take(one.command)" :aria-label="'Copy ' + one.command">{{ copied === one.command ? 'Copied' : 'Copy' }}</button></li></ul></section>
    <section v-if="it.changes.length"><h2>What changed just before</h2><ul class="rows found"><li v-for="one in it.changes"><component :is="one.event ? 'a' : 'div'" :href="one.event ? lines({node: one.node, since: one.at_us - 60e6, until: one.at_us + 60e6, line: one.event}) : undefined"><i class="mark"></i><span class="what">{{ line(one.text).slice(0, 240) }}</span><span class="n">{{ brief(one.at_us) }}</span><span class="who"><b>{{ safe(one.kind) }}</b>{{ safe(one.service) }} on {{ safe(one.node) }}<template v-if="one.n > 1"> · {{ one.n }} times</template><template v-if="one.why"> · {{ safe(one.why) }}</template></span></component></li></ul></section>
    <section ref="findings" class="findings"><h2>What was found <small>{{ it.findings_in_all > it.findings.length ? 'the gravest ' + it.findings.length + ' of ' + it.findings_in_all + '; ' : '' }}each leads to its lines</small></h2>
      <p v-if="splitting" class="tools"><button class="primary" :disabled="!chosen.length || chosen.length === it.findings.length" @click="split">Make the chosen ones an incident of their own</button><button @click="begin_split">Cancel</button><output v-if="told" class="told" role="alert">{{ told }}</output></p>
      <ul class="rows found"><li v-for="one in findings" :key="one.id"><label v-if="splitting" class="check"><input type="checkbox" v-model="chosen" :value="one.id" :aria-label="'Choose: ' + says(one)"></label>
        <a :href="of_finding(one)"><i :class="['mark', one.critical ? 'fill-crit' : 'fill-warn']"></i><span class="what">{{ says(one) }}</span><span class="n">{{ brief(one.at_us).slice(-5) }}{{ one.last_us > one.at_us ? '–' + brief(one.last_us).slice(-5) : '' }}</span>
        <span class="who"><b :class="one.critical ? 'crit' : ''">{{ one.critical ? 'critical ' : '' }}{{ safe(one.detector) }}</b>{{ safe(one.service) }} on {{ safe(one.node) }}<template v-if="one.times > 1"> · {{ one.times }} times</template><template v-if="one.reason !== 'first'"> · here because: {{ safe(one.reason) }}</template></span><span v-if="one.line && !one.habit" class="who"><TemplateText :text="one.line"/></span></a></li></ul>
      <p v-if="it.findings.length > findings.length"><button @click="all = true">All {{ it.findings.length }}</button></p></section>
    <section v-if="told_of.length" class="report"><h2>The report <small v-if="it.report.struck">{{ many(it.report.struck, 'value') }} did not hold when counted again and {{ it.report.struck === 1 ? 'is' : 'are' }} struck through</small></h2>
      <dl><template v-for="[name, facts] in told_of"><dt>{{ name }}</dt><dd><p v-for="fact in facts"><Claim :fact="fact"/></p></dd></template></dl></section>
    <section v-if="it.evidence.length"><h2>Lines <small>kept with the incident</small></h2><ol class="near mono lines-kept"><li v-for="one in it.evidence.slice(0, lines_all ? undefined : LINES_SHOWN)"><a :href="of_event(one)"><i :class="'mark fill-' + group(one.priority)"></i><time>{{ stamp(one.ts_us) }}</time> <span class="dim">{{ safe(one.node) }} {{ safe(one.service) }}</span> <span dir="ltr">{{ line(one.message).slice(0, 240) }}</span></a></li></ol>
      <p v-if="it.evidence.length > LINES_SHOWN && !lines_all"><button @click="lines_all = true">All {{ it.evidence.length }} lines</button></p></section>
    <section><h2>Notes and history</h2><form v-if="data.may" class="words-form" @submit.prevent="note"><textarea v-model="text" rows="3" maxlength="10000" placeholder="What it was, what helped" aria-label="Note"></textarea><p class="tools"><button :disabled="!text.trim()">Add the note</button></p></form>
      <p v-if="told" class="told" role="alert">{{ told }}</p>
      <ul class="history"><li v-for="one in it.notes"><span class="dim">{{ brief(one.at_us) }} {{ one.who ? safe(one.who) : 'DevMesh' }} <b v-if="did(one)">{{ safe(did(one)) }}</b></span><p v-if="one.text"><span v-for="text in lines_of(one.text)" class="text">{{ text }}</span></p></li></ul></section>
    <p class="under"><a href="/ui/incidents">All incidents</a></p>
    </template>
  </article>`,
};
