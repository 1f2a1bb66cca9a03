// What a node or a service says: its bars, its busiest and worst families, what is new.
import Bars from "devmesh/bars.js";
import Families from "devmesh/families.js";
import { GROUPS, many, short } from "devmesh/text.js";

export default {
  props: { data: Object, name: String, of: String },
  components: { Bars, Families },
  computed: {
    sums() {
      const sums = { crit: 0, err: 0, warn: 0, all: 0 };
      for (const bar of this.data.histogram?.bars ?? [])
        bar.forEach((n, level) => {
          sums.all += n;
          if (GROUPS[level] in sums) sums[GROUPS[level]] += n;
        });
      return sums;
    },
    lines() {
      return `/ui/logs?${this.of}=${encodeURIComponent(this.name)}`;
    },
  },
  methods: {
    many, short,
    told: (n, noun) => `${short(n)} ${noun}${n === 1 ? "" : "s"}`,
    zoom({ since_us, until_us }) {
      location.assign(`${this.lines}&since=${since_us}&until=${until_us}`);
    },
  },
  template: `
    <section><div class="head"><h2>{{ told(sums.all, 'event') }} <small>in the last day</small></h2><span class="severe"><a v-if="sums.crit" class="crit" :href="lines + '&priority=crit'">{{ short(sums.crit) }} critical</a>
      <a v-if="sums.err" class="err" :href="lines + '&priority=err'">{{ told(sums.err, 'error') }}</a><a v-if="sums.warn" class="warn" :href="lines + '&priority=warning'">{{ told(sums.warn, 'warning') }}</a></span></div>
      <Bars v-if="sums.all" :histogram="data.histogram" @zoom="zoom"/><p v-else class="empty">Nothing in the last day.</p><p class="under"><a :href="lines">Its lines</a><span>{{ many(data.templates, 'template') }}</span></p></section>
    <div class="columns"><section v-if="data.severe.length"><h2>Warnings and worse</h2><Families :families="data.severe" :now="data.now_us" value="spell" :service="of === 'node'"/></section>
      <section v-if="data.busiest.length"><h2>Most</h2><Families :families="data.busiest" :now="data.now_us" value="spell" :service="of === 'node'"/></section>
      <section><h2>New <small>in the last day</small></h2><Families v-if="data.new.length" :families="data.new" :now="data.now_us" time="created_us" :service="of === 'node'"/><p v-else class="empty">Nothing new.</p></section></div>`,
};
