// The first page. What is well takes little room; what is not is said in words.
import Bars from "devmesh/bars.js";
import Rows from "devmesh/incident_rows.js";
import Watched from "devmesh/watched.js";
import Template from "devmesh/template_text.js";
import { GROUPS, PRIORITIES, ago, count, group, many, safe, short, size } from "devmesh/text.js";

const RANGES = [["1h", "1 h"], ["6h", "6 h"], ["24h", "24 h"], ["7d", "7 d"], ["30d", "30 d"]];

export default {
  props: { data: Object },
  components: { Bars, Rows, TemplateText: Template, Watched },
  data: () => ({ ranges: RANGES, names: PRIORITIES }),
  computed: {
    total() {
      return this.data.histogram ? this.data.histogram.bars.reduce((sum, bar) => sum + bar.reduce((a, n) => a + n, 0), 0) : 0;
    },
    severe() {
      const sums = { crit: 0, err: 0, warn: 0 };
      for (const bar of this.data.histogram?.bars ?? []) bar.forEach((n, level) => GROUPS[level] in sums && (sums[GROUPS[level]] += n));
      return sums;
    },
    // Nodes that ail alike are told together.
    ill() {
      const told = new Map();
      for (const { name, reason } of this.data.ill) told.set(reason, [...(told.get(reason) ?? []), name.replace(/^node /, "")]);
      return [...told];
    },
    lines() {
      const asked = new URLSearchParams({ since: this.data.since });
      if (this.data.until) asked.set("until", this.data.until);
      return `/ui/logs?${asked}`;
    },
  },
  methods: {
    ago, count, group, many, safe, short, size,
    zoom({ since_us, until_us }) {
      location.assign(`/ui/?since=${since_us}&until=${until_us}`);
    },
    times(one) {
      const usual = one.events_per_day;
      return usual > 0 && one.spell / usual >= 1.5 ? `${(one.spell / usual).toFixed(1)}×` : "";
    },
    skew(node) {
      if (node.skew_us == null || Math.abs(node.skew_us) < 1e6) return "";
      return `${node.skew_us > 0 ? "+" : "−"}${(Math.abs(node.skew_us) / 1e6).toFixed(1)} s`;
    },
  },
  template: `
  <article tabindex="-1" class="content overview">
    <p v-if="data.error" class="empty">{{ data.error }} {{ data.hint }}</p>
    <template v-else>
    <section v-if="data.stats.events"><template v-if="data.incidents.length"><h2>Wrong now</h2><Rows :incidents="data.incidents" :now="data.now_us"/></template><Watched :watched="data.watched" :calm="!data.incidents.length"/><p class="under"><a href="/ui/incidents">{{ data.incidents.length ? 'All incidents' : 'Earlier incidents' }}</a></p></section>
    <ul v-if="data.ill.length" class="ill"><li v-for="[reason, names] in ill"><b>{{ safe(names.slice(0, 12).join(', ')) }}{{ names.length > 12 ? ' and ' + (names.length - 12) + ' more' : '' }}</b> {{ safe(reason) }}</li></ul>
    <section class="head"><h1>{{ short(total) }} <small>event{{ total === 1 ? '' : 's' }}</small></h1>
      <span class="severe"><a v-for="(n, name) in severe" v-show="n" :class="name" :href="lines + '&priority=' + ({crit: 2, err: 3, warn: 4})[name]">{{ short(n) }} {{ {crit: 'critical', err: 'error', warn: 'warning'}[name] }}{{ n === 1 || name === 'crit' ? '' : 's' }}</a></span>
      <nav class="ranges" aria-label="Time"><a v-for="[value, name] in ranges" :href="'/ui/?since=' + value"
        :aria-current="data.since === value && !data.until ? 'true' : undefined">{{ name }}</a></nav></section>
    <Bars v-if="data.histogram && total" :histogram="data.histogram" @zoom="zoom"/>
    <p v-else-if="data.stats.events" class="empty">Nothing was said in this time.</p>
    <section v-else class="first"><h2>Nothing is stored yet</h2><dl class="facts"><dt>This machine</dt><dd><code>devmesh up</code> ships its journal to here</dd>
      <dt>Another one</dt><dd><code>devmesh token create --node NAME</code> here, then the agent there: <code>devmesh ship</code></dd>
      <dt>History</dt><dd><code>devmesh import PATH</code> brings old journals and log files in</dd>
      <dt>Only to look</dt><dd><code>devmesh simulate --store</code> lets a made-up fleet log</dd></dl></section>
    <p v-if="total" class="under"><a :href="lines">These lines</a><a v-if="data.until" href="/ui/">Back to the last day</a></p>

    <template v-if="data.stats.events">
    <div class="columns">
    <section><h2>New <small>in the last day, errors first</small></h2>
      <p v-if="!data.new.length" class="empty">No new template.</p>
      <ul class="rows"><li v-for="one in data.new"><a :href="'/ui/templates/' + one.id"><i :class="'mark fill-' + group(one.worst ?? one.level ?? 6)"></i>
        <span class="what"><TemplateText :text="one.text"/></span><span class="n">{{ ago(one.created_us, data.now_us) }}</span>
        <span class="who"><b v-if="(one.worst ?? 6) < 5" :class="group(one.worst)">{{ names[one.worst] }} </b>{{ safe(one.service) }}</span></a></li></ul></section>
    <section><h2>Loud <small>in the last day</small></h2>
      <p v-if="!data.loud.length" class="empty">Silence.</p>
      <ul class="rows"><li v-for="one in data.loud"><a :href="'/ui/templates/' + one.id"><i :class="'mark fill-' + group(one.worst ?? 6)"></i>
        <span class="what"><TemplateText :text="one.text"/></span><span class="n">{{ short(one.spell) }} <b v-if="times(one)" title="of its usual day">{{ times(one) }}</b></span>
        <span class="who"><b v-if="(one.worst ?? 6) < 5" :class="group(one.worst)">{{ names[one.worst] }} </b>{{ safe(one.service) }}</span></a></li></ul></section>
    </div>
    <section><h2>Nodes</h2>
      <p v-if="!data.nodes.length" class="empty">No node has spoken yet.</p>
      <table v-else class="sheet"><thead><tr><th>Node</th><th>State</th><th>Last word</th><th class="n">Backlog</th><th class="n wide">Lost</th><th class="wide apart">Clock</th></tr></thead>
        <tbody><tr v-for="node in data.nodes"><td><a :href="'/ui/nodes?node=' + encodeURIComponent(node.name)">{{ safe(node.name) }}</a></td>
          <td class="state" :class="{warn: node.state === 'late', err: node.state === 'silent'}">{{ node.state }}</td>
          <td>{{ ago(Math.max(node.last_received_us ?? 0, node.heartbeat_us ?? 0) || null, data.now_us) }}</td>
          <td class="n">{{ node.backlog_events == null ? '' : count(node.backlog_events) }}</td>
          <td class="n wide" :class="{err: node.lost_entries}">{{ node.lost_entries ? count(node.lost_entries) : '' }}</td>
          <td class="wide apart" :class="{warn: skew(node)}">{{ skew(node) }}</td></tr></tbody></table>
      <p v-if="data.more_nodes" class="under"><a href="/ui/nodes">All nodes</a></p></section>
    <p class="sums">{{ count(data.stats.events) }} events are {{ many(data.stats.templates, 'template') }} in {{ data.stats.families === 1 ? '1 family' : count(data.stats.families) + ' families' }}<template
      v-if="data.stats.compression">: {{ short(data.stats.compression) }} to 1</template>. {{ size(data.stats.store_bytes) }} on disk, {{ data.stats.bytes_per_event }} B an event, {{ data.stats.events_per_s }} events/s of late.</p>
    </template>
    </template>
  </article>`,
};
