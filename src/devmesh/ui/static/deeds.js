// What people do about an incident: look into it, end it, say whether it was real, mute, split, merge.
import { call, query } from "devmesh/api.js";
import { open } from "devmesh/incident_rows.js";
import { safe } from "devmesh/text.js";

const DAYS = [[1, "a day"], [7, "a week"], [30, "30 days"], [60, "60 days"]];
const DAY_US = 86_400_000_000;

export default {
  props: { incident: Object, parts: Number, splitting: Boolean },
  emits: ["changed", "split"],
  data: () => ({ days: DAYS, told: "", others: [], into: "", mute: { family: "", nodes: [], days: 7, reason: "", most: "" }, waiting: false }),
  computed: {
    open() {
      return open(this.incident);
    },
    // Each family once, the weightiest first.
    families() {
      const known = new Map();
      for (const one of [...this.incident.findings].sort((a, b) => b.weight - a.weight)) if (one.family && !known.has(one.family)) known.set(one.family, one);
      return [...known.values()];
    },
  },
  methods: {
    safe,
    async post(what, json = {}) {
      if (this.waiting) return null;
      this.waiting = true;
      this.told = "";
      try {
        const answer = await call(`/incidents/${this.incident.id}/${what}`, { method: "POST", json });
        this.$emit("changed");
        return answer;
      } catch (error) {
        this.told = `${error.message} ${error.hint}`;
        return null;
      } finally {
        this.waiting = false;
      }
    },
    show(name) {
      this.told = "";
      this.$refs[name].showModal();
    },
    begin_mute() {
      this.mute.family = this.families[0].family;
      this.show("mute");
    },
    async do_mute() {
      const { family, nodes, days, reason, most } = this.mute;
      const until = String(Date.now() * 1_000 + days * DAY_US);
      if (await this.post("mute", { family, nodes, until, reason, most_per_hour: most === "" ? null : Number(most) })) this.$refs.mute.close();
    },
    async begin_merge() {
      this.show("merge");
      try {
        const { incidents } = await call(`/incidents?${query({ limit: 50, thin: true })}`);
        this.others = incidents.filter((one) => one.id !== this.incident.id && !one.merged_into);
      } catch (error) {
        this.told = `${error.message} ${error.hint}`;
      }
    },
    async do_merge() {
      if (await this.post("merge", { into: Number(this.into) })) location.assign(`/ui/incidents/${this.into}`);
    },
  },
  template: `
  <section class="deeds" aria-label="What to do"><p class="tools">
    <button v-if="incident.status === 'open'" class="primary" :disabled="waiting" @click="post('investigate')">I look into it</button>
    <button v-if="open" :disabled="waiting" title="What it knows does not open it again for an hour" @click="post('close')">Close</button><button v-else :disabled="waiting" @click="post('reopen')">Reopen</button>
    <span class="vote" role="group" aria-label="Was it real?"><button :disabled="waiting" @click="post('vote', {verdict: 'real'})">Real{{ incident.votes.real ? ' ' + incident.votes.real : '' }}</button><button :disabled="waiting" @click="post('vote', {verdict: 'noise'})">Noise{{ incident.votes.noise ? ' ' + incident.votes.noise : '' }}</button></span>
    <button v-if="families.length" @click="begin_mute">Mute…</button><button v-if="parts > 1" :aria-pressed="splitting" @click="$emit('split')">Split…</button><button @click="begin_merge">Merge…</button></p>
    <p v-if="told" class="told" role="alert">{{ told }}</p>
    <dialog ref="mute" aria-label="Mute" @click.self="$refs.mute.close()"><form class="words-form" @submit.prevent="do_mute"><h2>Mute a line</h2>
      <p class="dim">It tells no more until then. It ends by itself, and says so, when the line brings a value that was never seen in it, or comes more often than you allow.</p>
      <label>Line <select v-model="mute.family" aria-label="Line"><option v-for="one in families" :value="one.family">{{ one.family }} {{ safe(one.service) }}: {{ safe(one.line ?? one.text).slice(0, 120) }}</option></select></label>
      <fieldset><legend>Only on (none: on every node)</legend><label v-for="node in incident.nodes" class="check"><input type="checkbox" v-model="mute.nodes" :value="node"> {{ safe(node) }}</label></fieldset>
      <label>For <select v-model="mute.days" aria-label="For"><option v-for="[value, name] in days" :value="value">{{ name }}</option></select></label>
      <label>At most, in an hour <input v-model="mute.most" type="number" min="1" max="1000000" placeholder="any number" aria-label="At most, in an hour"></label>
      <label>Why <input v-model="mute.reason" required maxlength="500" aria-label="Why" placeholder="known, ticket 12"></label>
      <p v-if="told" class="told" role="alert">{{ told }}</p><p class="tools"><button class="primary" :disabled="waiting">Mute</button><button type="button" @click="$refs.mute.close()">Cancel</button></p></form></dialog>
    <dialog ref="merge" aria-label="Merge" @click.self="$refs.merge.close()"><form class="words-form" @submit.prevent="do_merge"><h2>Merge into another incident</h2>
      <p class="dim">Everything that was found goes there, and this one's address leads there.</p>
      <select v-model="into" required aria-label="Into"><option value="" disabled>Which one?</option><option v-for="one in others" :value="one.id">{{ one.id }} {{ safe(one.title).slice(0, 120) }} ({{ one.status }})</option></select>
      <p v-if="told" class="told" role="alert">{{ told }}</p><p class="tools"><button class="primary" :disabled="waiting || into === ''">Merge</button><button type="button" @click="$refs.merge.close()">Cancel</button></p></form></dialog>
  </section>`,
};
