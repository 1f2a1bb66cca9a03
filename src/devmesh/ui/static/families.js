// A list of families, the same wherever families are listed.
import Spark from "devmesh/spark.js";
import TemplateText from "devmesh/template_text.js";
import { PRIORITIES, ago, brief, count, group, many, safe, short } from "devmesh/text.js";

export default {
  props: { families: Array, now: Number, value: { type: String, default: "events" }, time: { type: String, default: "last_seen_us" }, why: Boolean, heads: Boolean, service: { type: Boolean, default: true } },
  components: { Spark, TemplateText },
  methods: {
    ago, brief, count, group, many, safe, short,
    // Colours alone tell nothing to who cannot tell them apart.
    severe: (one) => ((one.worst ?? one.level ?? 6) < 5 ? PRIORITIES[one.worst ?? one.level] : ""),
    reasons(why) {
      const told = [];
      if (why.words.length) told.push(`words: ${why.words.join(", ")}`);
      if (why.values?.length) told.push(`values: ${why.values.map((one) => `${one.value} in ${one.placeholder}`).join(", ")}`);
      if (why.meaning.length) told.push(`meaning: ${why.meaning.slice(0, 4).map((pair) => `${pair.question} ~ ${pair.found} ${pair.cosine.toFixed(2)}`).join(", ")}`);
      if (why.ranks?.sentences) told.push(`sentence: place ${why.ranks.sentences}`);
      return told.join(" · ");
    },
  },
  template: `
  <ul class="rows families"><li v-if="families.length && heads" class="heads" aria-hidden="true"><span v-if="families[0].trend">last week</span><span class="n">events</span></li><li v-for="one in families" :key="one.id"><a :href="'/ui/templates/' + one.id">
    <i :class="'mark fill-' + group(one.worst ?? one.level ?? 6)"></i>
    <span class="what"><b v-if="one.label">{{ safe(one.label) }} </b><TemplateText :text="one.text"/></span>
    <Spark v-if="one.trend" :counts="one.trend" label="The last week"/>
    <span class="n" :title="count(one[value])">{{ short(one[value]) }}</span>
    <span class="who"><b v-if="severe(one)" :class="group(one.worst ?? one.level)">{{ severe(one) }}</b> <template v-if="service">{{ safe(one.service) }} · </template><template v-if="time === 'created_us'">new {{ ago(one.created_us, now) }}</template><template v-else>last {{ ago(one.last_seen_us, now) }}</template><template
      v-if="one.first_seen_us && time !== 'created_us'"> · since {{ brief(one.first_seen_us) }}</template><template v-if="one.nodes"> · {{ many(one.nodes, 'node') }}</template><template v-if="one.templates > 1"> · {{ many(one.templates, 'template') }}</template></span>
    <span v-if="why && one.why" class="why">{{ safe(reasons(one.why)) }} · score {{ one.score.toFixed(3) }}</span></a></li></ul>`,
};
