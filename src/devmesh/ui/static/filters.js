// What is asked for: every change asks anew. Names become chips; what was chosen elsewhere (a template, a stretch of
// time) is a chip, too.
import { PRIORITIES, brief, safe } from "devmesh/text.js";

const TIMES = [["15m", "15 minutes"], ["1h", "1 hour"], ["6h", "6 hours"], ["24h", "24 hours"], ["7d", "7 days"], ["30d", "30 days"], ["all", "all time"]];

export default {
  props: { asked: Object, nodes: Array, services: Array },
  emits: ["ask"],
  data: () => ({ times: TIMES, levels: PRIORITIES, more: false }),
  computed: {
    chips() {
      const chips = [];
      for (const [name, word] of [["node", "node"], ["service", "service"], ["template", "template"], ["without", "not"]])
        for (const value of this.asked[name]) chips.push({ name, value, text: `${word} ${safe(value)}` });
      return chips;
    },
    span() {
      const { since, until } = this.asked;
      if (!until && TIMES.some(([value]) => value === since)) return "";
      const said = (text) => (/^\d{14,}$/.test(text) ? brief(Number(text)) : safe(text));
      return `${said(since)}${until ? ` to ${said(until)}` : ""}`;
    },
    busy() {
      return this.chips.length + (this.asked.priority ? 1 : 0) + (this.asked.regex ? 1 : 0);
    },
  },
  methods: {
    add(name, event) {
      const value = event.target.value.trim();
      event.target.value = "";
      if (value && !this.asked[name].includes(value)) this.$emit("ask", { [name]: [...this.asked[name], value] });
    },
    // A name that was picked from the list is taken at once; one that is typed when Enter is pressed.
    picked(name, known, event) {
      if (event.inputType === "insertReplacementText" || (!event.inputType && known.includes(event.target.value))) this.add(name, event);
    },
    drop({ name, value }) {
      this.$emit("ask", { [name]: this.asked[name].filter((one) => one !== value) });
    },
    set(name, event) {
      const value = event.target.value.trim();
      if (value !== this.asked[name]) this.$emit("ask", { [name]: value });
    },
    time(event) {
      this.$emit("ask", { since: event.target.value, until: "" });
    },
  },
  template: `
  <form class="filters" :class="{more}" @submit.prevent>
    <input data-first class="words" type="search" :value="asked.contains" placeholder="Words in the line" aria-label="Words in the line" maxlength="1000"
      @change="set('contains', $event)" autocapitalize="off" spellcheck="false">
    <select :value="span ? '' : asked.since" aria-label="Time" @change="time"><option v-if="span" value="">{{ span }}</option>
      <option v-for="[value, name] in times" :value="value">{{ name }}</option></select>
    <button type="button" class="expand" @click="more = !more" :aria-expanded="more">Filters{{ busy ? ' ' + busy : '' }}</button>
    <select class="extra" :value="asked.priority" aria-label="Priority" @change="set('priority', $event)"><option value="">any priority</option>
      <option v-for="name in levels.slice(0, 7)" :value="name">{{ name }} and worse</option></select>
    <input class="extra" list="known-nodes" placeholder="Node" aria-label="Node" @change="add('node', $event)" @input="picked('node', nodes, $event)" autocapitalize="off" spellcheck="false">
    <datalist id="known-nodes"><option v-for="name in nodes" :value="name"/></datalist>
    <input class="extra" list="known-services" placeholder="Service" aria-label="Service" @change="add('service', $event)" @input="picked('service', services, $event)" autocapitalize="off" spellcheck="false">
    <datalist id="known-services"><option v-for="name in services" :value="name"/></datalist>
    <input class="extra mono" type="search" :value="asked.regex" placeholder="Regular expression" aria-label="Regular expression" maxlength="1000"
      @change="set('regex', $event)" autocapitalize="off" spellcheck="false">
    <button style="display: none"></button>
    <div v-if="chips.length || span" class="chips"><button v-if="span" type="button" class="chip" @click="$emit('ask', {since: '24h', until: ''})"
        :aria-label="'Any time instead of ' + span">{{ span }} <span aria-hidden="true">×</span></button>
      <button v-for="chip in chips" type="button" class="chip" @click="drop(chip)" :aria-label="'Remove ' + chip.text">{{ chip.text }} <span aria-hidden="true">×</span></button></div>
  </form>`,
};
