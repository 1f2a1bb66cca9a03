// What was said around an incident, bar by bar; above it what was found, changed and done; hatched, what nobody saw.
import Bars from "devmesh/bars.js";
import { brief, clock, safe } from "devmesh/text.js";

const SIGNS = { finding: "▾", change: "◆" };
const MEANINGS = { finding: "found", change: "changed", told: "told, closed, worked on" };
const SHOWN = 8;
const [ERROR, WARNING, INFO] = [3, 4, 6]; // as bars.js counts them

export default {
  props: { timeline: Object, blind: Array, nodes: Array },
  components: { Bars },
  emits: ["zoom"],
  data: () => ({ SHOWN }),
  computed: {
    histogram() {
      const { since_us, step_us, bars } = this.timeline;
      const last = Math.max(0, ...bars.map((bar) => Math.round((bar.t_us - since_us) / step_us)));
      const counts = Array.from({ length: last + 1 }, () => new Array(8).fill(0));
      for (const bar of bars) {
        const at = counts[Math.round((bar.t_us - since_us) / step_us)];
        [at[ERROR], at[WARNING], at[INFO]] = [bar.errors, bar.warnings, bar.others];
      }
      return { from_us: since_us, step_us, bars: counts };
    },
    end() {
      return this.histogram.from_us + this.histogram.bars.length * this.histogram.step_us;
    },
    marks() {
      const within = this.timeline.marks.filter((mark) => mark.at_us >= this.histogram.from_us && mark.at_us <= this.end);
      return within.map((mark) => ({ ...mark, kind: mark.kind in SIGNS ? mark.kind : "told", left: this.part(mark.at_us) }));
    },
    unseen() {
      // Hatched where the bars lack lines: of nodes that have a part in it.
      return this.blind.filter((one) => this.nodes.includes(one.node)).map((one) => {
        const [from, to] = [this.part(one.since_us), this.part(one.until_us ?? this.end)];
        return { ...one, left: from, width: Math.max(to - from, 0.5) };
      });
    },
    legend() {
      const there = [...new Set(this.marks.map((mark) => mark.kind))];
      return there.map((kind) => `${SIGNS[kind] ?? "|"} ${MEANINGS[kind]}`);
    },
  },
  methods: {
    brief, clock, safe,
    sign: (kind) => SIGNS[kind] ?? "",
    part(us) {
      const whole = this.end - this.histogram.from_us;
      return Math.min(Math.max(((us - this.histogram.from_us) / whole) * 100, 0), 100);
    },
  },
  template: `
  <div class="timeline">
    <div class="over-bars" aria-hidden="true"><span v-for="one in unseen" class="blind" :style="{left: one.left + '%', width: one.width + '%'}"></span>
      <span v-for="mark in marks" :class="['flag', mark.kind]" :style="{left: mark.left + '%'}" :title="clock(mark.at_us, false) + ' ' + safe(mark.what)">{{ sign(mark.kind) }}</span></div>
    <Bars :histogram="histogram" label="Lines around the incident" @zoom="$emit('zoom', $event)"/>
    <p v-if="legend.length" class="legend">{{ legend.join('   ') }}</p>
    <ul v-if="blind.length" class="unseen"><li v-for="one in blind.slice(0, SHOWN)"><span class="swatch" :class="{none: !nodes.includes(one.node)}" aria-hidden="true"></span><span><b>{{ safe(one.node) }}</b> was not seen {{ brief(one.since_us) }} to {{ one.until_us ? brief(one.until_us) : 'now' }}: {{ safe(one.reason || one.verdict) }}</span></li><li v-if="blind.length > SHOWN" class="dim">and {{ blind.length - SHOWN }} more times</li></ul>
  </div>`,
};
