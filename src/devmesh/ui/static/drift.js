// What slowly changes over weeks. It is asked for once the page stands: in a large fleet it takes seconds.
import Spark from "devmesh/spark.js";
import { call } from "devmesh/api.js";
import { count, day, many, safe } from "devmesh/text.js";

const [FEW, MEMBERS] = [10, 8];

export default {
  components: { Spark },
  data: () => ({ found: null, told: "", shown: MEMBERS }),
  async mounted() {
    try {
      this.found = await call("/drift");
    } catch (error) {
      this.told = `${error.message} ${error.hint}`;
    }
  },
  methods: {
    day, many, safe,
    rate: (n) => (n < FEW ? n.toFixed(1) : count(Math.round(n))),
    told_of: (one) => `${one.kind} since ${day(one.since_us)}`,
  },
  template: `
  <section><h2>Drift <small>what slowly changes over weeks; nobody is told of it</small></h2>
    <p v-if="told" class="told" role="alert">{{ told }}</p><p v-else-if="!found" class="empty">Looking…</p>
    <p v-else-if="found.days < found.least_days" class="empty">Seen after {{ found.least_days }} whole days; {{ many(found.days, 'day') }} stored.</p>
    <template v-else><p v-if="!found.drifts.length" class="empty">Nothing drifts; {{ many(found.compared, 'pattern') }} compared over {{ many(found.days, 'day') }}.</p>
      <ul v-else class="rows families"><li v-for="one in found.drifts"><a :href="'/ui/templates/' + one.id"><i class="mark fill-note"></i><span class="what mono">{{ safe(one.text) }}</span>
        <Spark :counts="one.days.map((n) => n ?? 0)" :label="told_of(one)"/><span class="n">{{ rate(one.now) }}</span>
        <span class="who"><b>{{ safe(one.service) }}</b>on {{ safe(one.node) }} · {{ told_of(one) }} · {{ rate(one.before) }} a day, now {{ rate(one.now) }}<template v-if="one.alike"> · and {{ one.alike }} more of it</template></span></a></li></ul>
      <template v-for="one in found.together"><h3>Move together since a week <small>correlation {{ one.before.toFixed(2) }} before, {{ one.now.toFixed(2) }} now</small></h3>
        <ul class="rows"><li v-for="member in one.members.slice(0, shown)"><a :href="'/ui/templates/' + member.id"><i class="mark fill-note"></i><span class="what mono">{{ safe(member.text) }}</span><span class="n">{{ safe(member.service) }} on {{ safe(member.node) }}</span></a></li></ul>
        <p v-if="one.members.length > shown" class="dim">and {{ one.members.length - shown }} more</p></template></template>
  </section>`,
};
