// A list of incidents, the same wherever incidents are listed: how bad in colour and word, what, since when, where, who.
import { ago, brief, safe } from "devmesh/text.js";

const TONES = { critical: "crit", warning: "warn", info: "note" };
const NAMES_SHOWN = 3;

export const tone = (severity) => TONES[severity] ?? "note";
export const open = (one) => one.status !== "closed";
export const some = (names) => {
  const more = names.length - NAMES_SHOWN;
  return safe(names.slice(0, NAMES_SHOWN).join(", ")) + (more > 0 ? ` and ${more} more` : "");
};
export const lasted = (us) => {
  const minutes = Math.max(1, Math.round(us / 60e6));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60 ? `${minutes % 60} min` : ""}`.trim();
  return `${Math.floor(minutes / 1_440)} d ${Math.round((minutes % 1_440) / 60)} h`;
};

export default {
  props: { incidents: Array, now: Number },
  methods: {
    ago, brief, lasted, open, safe, some, tone,
    state: (one) => (one.merged_into ? "merged" : one.status === "investigating" ? "somebody looks into it" : one.status),
    shown: (one) => (one.severity === "info" ? "" : tone(one.severity)),
  },
  template: `
  <ul class="rows incidents"><li v-for="one in incidents" :key="one.id"><a :href="'/ui/incidents/' + one.id" :class="{over: !open(one)}">
    <i :class="'mark fill-' + tone(one.severity)"></i><span class="what">{{ safe(one.title) }}</span>
    <span class="n">{{ open(one) ? ago(one.onset_us, now) : lasted(one.closed_us - one.onset_us) }}</span>
    <span class="who"><b :class="shown(one)">{{ one.severity }}</b>{{ state(one) }} · since {{ brief(one.onset_us) }} · {{ one.told_us ? 'told ' + brief(one.told_us) : one.detected_us ? 'noticed ' + brief(one.detected_us) + ', told nobody' : 'thin evidence, not told' }}<template v-if="one.reopened"> · came back {{ one.reopened === 1 ? 'once' : one.reopened + ' times' }}</template></span>
    <span class="who">{{ some(one.services) }} on {{ some(one.nodes) }}<template v-if="one.inconclusive"> · no clear cause</template><template v-else-if="one.suspects.length"> · first suspect <b class="strong">{{ safe(one.suspects[0].service) }}</b> on {{ safe(one.suspects[0].node) }}</template></span></a></li></ul>`,
};
