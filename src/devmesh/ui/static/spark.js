// A little line of bars: how it went, without numbers.
export default {
  props: { counts: Array, label: String },
  computed: {
    bars() {
      const most = Math.max(1, ...this.counts);
      return this.counts.map((n, at) => ({ x: at * 4, height: n ? Math.max((n / most) * 16, 1.5) : 0 }));
    },
  },
  template: `<svg class="spark" :viewBox="'0 0 ' + counts.length * 4 + ' 16'" preserveAspectRatio="none" role="img" :aria-label="label"><rect v-for="bar in bars"
    :x="bar.x" :y="16 - bar.height" width="3" :height="bar.height"/></svg>`,
};
