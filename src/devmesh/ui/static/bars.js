// Bars over time, stacked by severity, the severe ones at the bottom. Drag, or use the keys, to choose a stretch of time.
import { GROUPS, PRIORITIES, brief, count, short, span, stamp, zone } from "devmesh/text.js";

const ORDER = ["crit", "err", "warn", "note", "info", "debug"];
const HEIGHT = 100;
const LEAST = 1.5; // so that one error among a million lines is seen

export default {
  props: { histogram: Object, label: { type: String, default: "Events by time" } },
  emits: ["zoom"],
  data: () => ({ at: null, from: null }),
  computed: {
    most() {
      return Math.max(1, ...this.histogram.bars.map((bar) => bar.reduce((sum, n) => sum + n, 0)));
    },
    stacks() {
      return this.histogram.bars.map((bar, place) => {
        const sums = Object.fromEntries(ORDER.map((name) => [name, 0]));
        bar.forEach((n, priority) => (sums[GROUPS[priority]] += n));
        let top = HEIGHT;
        const rects = [];
        for (const name of ORDER) {
          if (!sums[name]) continue;
          const height = Math.max((sums[name] / this.most) * HEIGHT, LEAST);
          top -= height;
          rects.push({ name, y: Math.max(top, 0), height });
        }
        return { place, rects };
      });
    },
    chosen() {
      if (this.at === null || this.from === null) return null;
      return [Math.min(this.at, this.from), Math.max(this.at, this.from)];
    },
    told() {
      if (this.at === null) return "";
      const { from_us, step_us, bars } = this.histogram;
      const [first, last] = this.chosen ?? [this.at, this.at];
      const counts = PRIORITIES.map((_name, level) => bars.slice(first, last + 1).reduce((sum, bar) => sum + (bar[level] || 0), 0));
      const all = counts.reduce((sum, n) => sum + n, 0);
      const severe = PRIORITIES.map((name, level) => [name, counts[level]]).filter(([, n], level) => n && level < 5);
      const words = severe.map(([name, n]) => `${count(n)} ${name}`).join(", ");
      return `${stamp(from_us + first * step_us, false)} to ${brief(from_us + (last + 1) * step_us)}: ${count(all)}${words ? ` (${words})` : ""}`;
    },
    edges() {
      const { from_us, step_us, bars } = this.histogram;
      return [brief(from_us), `${brief(from_us + bars.length * step_us)} ${zone(from_us)}`];
    },
    scale() {
      return `${span(this.histogram.step_us / 1e6)} a bar, up to ${short(this.most)}`;
    },
  },
  methods: {
    place(event) {
      const box = this.$refs.area.getBoundingClientRect();
      const part = (event.clientX - box.left) / box.width;
      return Math.min(Math.max(Math.floor(part * this.histogram.bars.length), 0), this.histogram.bars.length - 1);
    },
    down(event) {
      if (event.button) return;
      this.at = this.from = this.place(event);
      this.$refs.area.setPointerCapture(event.pointerId);
    },
    move(event) {
      this.at = this.place(event);
    },
    up() {
      if (this.from !== null) this.zoom();
    },
    leave() {
      if (this.from === null) this.at = null;
    },
    key(event) {
      const last = this.histogram.bars.length - 1;
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last };
      if (event.key in steps) {
        if (event.shiftKey) this.from ??= this.at ?? last;
        else this.from = null;
        this.at = Math.min(Math.max((this.at ?? last) + steps[event.key], 0), last);
      } else if (event.key === "Enter" && this.at !== null) this.zoom();
      else if (event.key === "Escape") this.at = this.from = null;
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    zoom() {
      const [first, last] = this.chosen ?? [this.at, this.at];
      const { from_us, step_us } = this.histogram;
      this.at = this.from = null;
      this.$emit("zoom", { since_us: from_us + first * step_us, until_us: from_us + (last + 1) * step_us });
    },
  },
  template: `
  <figure class="bars">
    <svg ref="area" :viewBox="'0 0 ' + histogram.bars.length * 10 + ' 100'" preserveAspectRatio="none" tabindex="0"
      role="slider" :aria-label="label" :aria-valuetext="told || edges.join(' to ')" aria-valuemin="0" :aria-valuemax="histogram.bars.length"
      :aria-valuenow="at ?? 0" @pointerdown="down" @pointermove="move" @pointerup="up" @pointerleave="leave" @keydown="key">
      <rect v-if="chosen" class="chosen" :x="chosen[0] * 10" y="0" :width="(chosen[1] - chosen[0] + 1) * 10" height="100"/>
      <rect v-else-if="at !== null" class="chosen" :x="at * 10" y="0" width="10" height="100"/>
      <template v-for="stack in stacks"><rect v-for="rect in stack.rects" :class="'fill-' + rect.name" :x="stack.place * 10 + 1"
        :y="rect.y" width="8" :height="rect.height"/></template>
    </svg>
    <figcaption><span>{{ edges[0] }}</span><output>{{ told || scale }}</output><span>{{ edges[1] }}</span></figcaption>
  </figure>`,
};
