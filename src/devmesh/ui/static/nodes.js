// The nodes, or one of them.
import Said from "devmesh/said.js";
import Spark from "devmesh/spark.js";
import { ago, count, hint, safe, short } from "devmesh/text.js";

export default {
  props: { data: Object },
  components: { Said, Spark },
  methods: {
    ago, count, hint, safe, short,
    last: (node) => Math.max(node.last_received_us ?? 0, node.heartbeat_us ?? 0) || null,
    tone: (state) => ({ late: "warn", silent: "err" })[state] ?? "",
    skew(node) {
      if (node.skew_us == null) return "";
      return Math.abs(node.skew_us) < 1e6 ? "in step" : `${node.skew_us > 0 ? "+" : "−"}${(Math.abs(node.skew_us) / 1e6).toFixed(1)} s`;
    },
    off: (node) => Math.abs(node.skew_us ?? 0) >= 1e6,
    source_text: (source) => (typeof source === "string" ? source : JSON.stringify(source)),
  },
  template: `
  <article tabindex="-1" class="content">
    <p v-if="data.error" class="empty">{{ data.error }} {{ hint(data.hint) }} <a class="linked" href="/ui/nodes">All nodes</a></p>
    <template v-else-if="data.node">
      <header><h1>{{ safe(data.node.name) }} <small :class="tone(data.node.state)">{{ data.node.state }}</small></h1>
        <dl class="figures"><div><dt>Last word</dt><dd>{{ ago(last(data.node), data.now_us) }}</dd></div><div><dt>Agent</dt><dd>{{ data.node.agent ? safe(data.node.agent) : 'none' }}</dd></div>
          <div><dt>Backlog</dt><dd>{{ data.node.backlog_events == null ? 'not told' : count(data.node.backlog_events) }}</dd></div><div v-if="data.node.oldest_unsent_us"><dt>Oldest unsent</dt><dd>{{ ago(data.node.oldest_unsent_us, data.now_us) }}</dd></div>
          <div><dt>Clock</dt><dd :class="{warn: off(data.node)}">{{ skew(data.node) || 'not told' }}</dd></div><div><dt>Lost</dt><dd :class="{err: data.node.lost_entries}">{{ count(data.node.lost_entries) }}</dd></div></dl></header>
      <Said :data="data" :name="data.node.name" of="node"/>
      <div class="columns"><section v-if="Object.keys(data.node.dropped).length"><h2>Filters <small>lines that the agent left out</small></h2><table class="sheet"><tbody><tr v-for="(n, name) in data.node.dropped"><td>{{ safe(name) }}</td><td class="n">{{ count(n) }}</td></tr></tbody></table></section>
        <section v-if="data.node.sources.length"><h2>Sources</h2><ul class="mono"><li v-for="source in data.node.sources">{{ safe(source_text(source)) }}</li></ul></section></div>
      <p class="under"><a href="/ui/nodes">All nodes</a></p>
    </template>
    <template v-else><h1>Nodes</h1>
      <p v-if="!data.nodes.length" class="empty">No node has spoken yet. On this machine: <code>devmesh up</code>. On another: <code>devmesh token create --node NAME</code>, then the agent there.</p>
      <table v-else class="sheet"><thead><tr><th>Node</th><th>State</th><th>Last word</th><th class="wide">Last day</th><th class="n">Events</th><th class="n">Errors</th><th class="n wide">Warnings</th><th class="n wide">Backlog</th><th class="n wide">Lost</th><th class="wide apart">Clock</th><th class="wide">Agent</th></tr></thead>
        <tbody><tr v-for="node in data.nodes"><td><a :href="'/ui/nodes?node=' + encodeURIComponent(node.name)">{{ safe(node.name) }}</a></td><td class="state" :class="tone(node.state)">{{ node.state }}</td><td class="state">{{ ago(last(node), data.now_us) }}</td>
          <td class="wide"><Spark v-if="node.trend" :counts="node.trend" label="The last day"/></td><td class="n">{{ short(node.day) }}</td><td class="n" :class="{err: node.errors}">{{ node.errors ? short(node.errors) : '' }}</td><td class="n wide" :class="{warn: node.warnings}">{{ node.warnings ? short(node.warnings) : '' }}</td>
          <td class="n wide">{{ node.backlog_events == null ? '' : count(node.backlog_events) }}</td><td class="n wide" :class="{err: node.lost_entries}">{{ node.lost_entries ? count(node.lost_entries) : '' }}</td><td class="wide apart" :class="{warn: off(node)}">{{ skew(node) }}</td><td class="wide dim">{{ safe(node.agent) }}</td></tr></tbody></table>
      <p v-if="data.cursor" class="under"><a :href="'/ui/nodes?after=' + encodeURIComponent(data.cursor)">Further nodes</a></p></template>
  </article>`,
};
