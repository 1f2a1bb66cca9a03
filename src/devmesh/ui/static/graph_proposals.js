// Edges that logs and agents show and nobody declared, to accept or refuse; edges in force that nothing was seen of.
import { link } from "devmesh/graph_shapes.js";
import { call } from "devmesh/api.js";
import { ago, brief, count, hint, many, safe } from "devmesh/text.js";

const [ASKED, SHOWN] = [200, 8];
const service = (name) => ({ kind: "service", name });

export default {
  props: { may: Boolean, now: Number },
  emits: ["drawn", "choose"],
  data: () => ({ SHOWN, rows: null, more: false, stale: [], drawn: false, everything: false, all: false, all_stale: false, told: "", waiting: "" }),
  mounted() {
    this.load();
  },
  methods: {
    ago, brief, count, link, many, safe, service,
    async load() {
      try {
        const [found, old] = await Promise.all([call(`/graph/proposals?limit=${ASKED}&everything=${this.everything}`), call("/graph/stale")]);
        [this.rows, this.more, this.stale] = [found.proposals, Boolean(found.cursor), old.edges];
        this.draw();
      } catch (error) {
        this.told = `${error.message} ${hint(error.hint)}`;
      }
    },
    draw() {
      this.$emit("drawn", this.drawn ? this.rows.filter((one) => !one.decision).map((one) => [one.start, one.end]) : []);
    },
    async decide({ start, end }, decision) {
      [this.waiting, this.told] = [`${start} ${end}`, ""];
      try {
        await call("/graph/proposals", { method: "POST", json: { start, end, decision } });
        const became = decision === "accept" ? "is in force now; the picture shows it within half a minute" : "is refused, whatever is seen of it";
        await this.load();
        this.told = `${safe(start)} needs ${safe(end)}: ${became}.`;
      } catch (error) {
        this.told = `${error.message} ${hint(error.hint)}`;
      } finally {
        this.waiting = "";
      }
    },
    sure: (one) => `${Math.round(one.confidence * 100)} %`,
  },
  template: `
  <div class="columns proposals" v-if="rows"><section><h2>Proposals <small>seen by logs and agents, declared by nobody</small></h2>
      <p class="tools"><label class="check"><input type="checkbox" v-model="drawn" @change="draw"> dotted in the picture</label><label class="check"><input type="checkbox" v-model="everything" @change="load"> weak and decided ones, too</label></p>
      <output v-if="told" class="told" role="status">{{ told }}</output><p v-if="!rows.length" class="empty">None{{ everything ? '' : ' to decide' }}.</p>
      <ul class="kept"><li v-for="one in rows.slice(0, all ? undefined : SHOWN)" :key="one.id"><div><span class="what"><a class="linked" :href="link(service(one.start))" @click.prevent="$emit('choose', service(one.start))">{{ safe(one.start) }}</a> needs <a class="linked" :href="link(service(one.end))" @click.prevent="$emit('choose', service(one.end))">{{ safe(one.end) }}</a></span>
        <span v-if="may" class="tools"><button v-if="one.decision !== 'accepted'" :disabled="waiting !== ''" :aria-label="'Accept: ' + safe(one.start) + ' needs ' + safe(one.end)" @click="decide(one, 'accept')">Accept</button><button v-if="one.decision !== 'refused'" :disabled="waiting !== ''" :aria-label="'Refuse: ' + safe(one.start) + ' needs ' + safe(one.end)" @click="decide(one, 'refuse')">Refuse</button></span>
        <span class="who"><b>{{ sure(one) }} sure</b><template v-if="one.decision">{{ one.decision }}{{ one.decided_by ? ' by ' + safe(one.decided_by) : '' }} · </template>{{ safe(one.text) }}<template v-if="one.days"> · on {{ many(one.days, 'day') }}, last {{ ago(one.last_us, now) }} · by {{ safe(one.sources.join(', ')) }}</template></span></div></li></ul>
      <p v-if="rows.length > SHOWN && !all" class="apart-above"><button @click="all = true">All {{ rows.length }}{{ more ? ' of more' : '' }}</button></p></section>
    <section><h2>Without evidence <small>in force, and nothing seen of it for 90 days</small></h2><p v-if="!stale.length" class="empty">None. Only who is watched all the time can stand here.</p>
      <ul class="kept"><li v-for="one in stale.slice(0, all_stale ? undefined : SHOWN)"><div><span class="what">{{ safe(one.start) }} {{ safe(one.type) }} {{ safe(one.end) }}</span><span v-if="may && one.source !== 'inventory'" class="tools"><button :disabled="waiting !== ''" :aria-label="'Refuse: ' + safe(one.start) + ' needs ' + safe(one.end)" @click="decide(one, 'refuse')">Refuse</button></span>
        <span class="who">{{ one.last_us ? 'last seen ' + brief(one.last_us) : 'never seen' }} · {{ one.source === 'inventory' ? 'declared: if it is gone, take it out of inventory.yaml and load that' : 'accepted' }}</span></div></li></ul>
      <p v-if="stale.length > SHOWN && !all_stale" class="apart-above"><button @click="all_stale = true">All {{ stale.length }}</button></p></section></div>
  <p v-else-if="told" class="told">{{ told }}</p>`,
};
