// Who of an incident needs whom: the suspect, those in trouble, the ways between them, who is well beside them; in words, too.
import Chart from "devmesh/graph_chart.js";
import { link } from "devmesh/graph_shapes.js";
import { safe } from "devmesh/text.js";

const ROWS_SHOWN = 8;
const MARKS = { suspected: "also suspected", between: "on the way", well: "well" };

export default {
  props: { graph: Object, severity: String },
  components: { Chart },
  data: () => ({ all: false, ROWS_SHOWN }),
  computed: {
    things() {
      return this.graph.things.map((one) => ({ ...one, severity: one.ill ? this.severity : "" }));
    },
    suspect() {
      return this.graph.things.find((one) => one.role === "suspect");
    },
    ways() {
      const well = new Set(this.graph.things.filter((one) => one.role === "well").map((one) => one.id));
      return new Set(this.graph.edges.filter(([who, what]) => !well.has(who) && !well.has(what)).map(([who, what]) => `${who} ${what}`));
    },
    notes() {
      const with_it = new Set(this.graph.rows.filter((row) => row.with).map((row) => row.id));
      const note = (one) => {
        if (one.role === "suspect") return one.ill ? "first suspect" : "first suspect · silent";
        return with_it.has(one.id) ? "silenced" : (MARKS[one.role] ?? "affected");
      };
      return Object.fromEntries(this.graph.things.map((one) => [one.id, note(one)]));
    },
    rows() {
      const rank = (row) => (row.id === this.suspect?.id ? 0 : row.way.length || 99);
      return [...this.graph.rows].sort((a, b) => rank(a) - rank(b));
    },
    label() {
      return `Who needs whom in this incident, of ${this.graph.things.length} services and hosts. The same stands below in words.`;
    },
  },
  methods: {
    link, safe,
    pick(id) {
      location.assign(link(this.graph.things.find((one) => one.id === id)));
    },
  },
  template: `
  <div><Chart v-if="things.length > 1" :things="things" :edges="graph.edges" :hosts="[]" by="need" :chosen="suspect?.id" :lit="null" :ways="ways" :notes="notes" :label="label" @choose="pick"/>
    <p class="legend">A → B: A needs B. Thick: the first suspect. Coloured: in trouble. Grey: well. Choose one to see it in the whole graph.</p>
    <ul v-if="rows.length" class="who-needs"><li v-for="row in rows.slice(0, all ? undefined : ROWS_SHOWN)"><a class="linked" :href="link(row)">{{ safe(row.name) }}</a> <template v-if="row.id === suspect.id">is the first suspect itself</template><template v-else-if="row.way.length">needs {{ row.way.map(safe).join(', which needs ') }}<template v-if="row.with"> · silenced: told with it, not by itself</template></template><template v-else>is tied to {{ safe(suspect.name) }} by nothing that is declared</template></li>
      <li v-if="graph.well.length" class="dim">Well, though they need {{ safe(suspect.name) }}: {{ safe(graph.well.join(', ')) }}<template v-if="graph.well_more"> and {{ graph.well_more }} more</template></li></ul>
    <p v-if="rows.length > ROWS_SHOWN && !all"><button @click="all = true">All {{ rows.length }}</button></p><p v-if="graph.left_out" class="dim">{{ graph.left_out }} more in trouble have no room here.</p></div>`,
};
