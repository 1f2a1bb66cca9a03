// A statement of a report: each value leads to what it was counted from; what did not come true when it was counted
// again is struck through, with the truth beside it.
import { query } from "devmesh/api.js";
import { safe, stamp } from "devmesh/text.js";

const AROUND_US = 300_000_000;
const PLACE = /\{(\d+)\}/;
const EVENT = /^(\d+)-\d+$/;

// Where the lines are that a claim speaks of.
const address = ({ metric, cites, node, service, since_us, until_us }) => {
  const event = cites.find((one) => EVENT.test(one));
  if (event) {
    const at = Number(EVENT.exec(event)[1]);
    return `/ui/logs?${query({ since: at - AROUND_US, until: at + AROUND_US, line: event })}`;
  }
  const time = until_us > since_us ? { since: since_us, until: until_us } : null;
  if (time) return `/ui/logs?${query({ template: cites, node, service, priority: metric === "errors" ? "err" : "", ...time })}`;
  return cites.length ? `/ui/templates/${encodeURIComponent(cites[0])}` : undefined;
};
// A value in words; times in the reader's zone, the others as the report has them.
const worded = (claim, value, shown) => {
  if (claim.metric === "time" && typeof value === "number") return stamp(value, false);
  const edge = ["first", "last"].includes(claim.metric) && EVENT.exec(value);
  if (edge) return `${claim.metric} at ${stamp(Number(edge[1]), false)}`;
  return safe(shown ?? String(value));
};
export default {
  props: { fact: [String, Object], most: { type: Number, default: 240 } }, // most: characters of a line that is quoted
  computed: {
    parts() {
      if (typeof this.fact === "string") return [{ text: safe(this.fact) }];
      return this.fact.form.split(PLACE).flatMap((text, at) => {
        if (at % 2 === 0) return text ? [{ text: safe(text) }] : [];
        const claim = this.fact.claims[Number(text)];
        const said = worded(claim, claim.value, claim.shown);
        const line = claim.metric === "line";
        const cut = (words) => (line && words.length > this.most ? `${words.slice(0, this.most)}…` : words);
        const shown = { text: cut(claim.holds ? said : worded(claim, claim.truth, claim.truth_shown)), href: address(claim), line };
        return claim.holds ? [shown] : [{ text: cut(said), wrong: true }, { text: " " }, shown];
      });
    },
  },
  template: `<span class="claim"><template v-for="part in parts"><s v-if="part.wrong" title="not so">{{ part.text }}</s><a v-else-if="part.href" class="linked" :class="{mono: part.line}" :href="part.href">{{ part.text }}</a><template v-else>{{ part.text }}</template></template></span>`,
};
