// How it stands, who may, and with which settings. A token's secret is shown once.
import { call, copy, query } from "devmesh/api.js";
import { ago, count, many, safe, size, span, stamp } from "devmesh/text.js";

const KINDS = [["node", "send as one node"], ["relay", "send as any node"], ["read", "read"], ["admin", "everything"]];

export default {
  props: { data: Object },
  data() {
    return { kinds: KINDS, kind: "node", node: "", secret: "", said: "", tokens: this.data.tokens ?? [], deeds: this.data.audit?.deeds ?? [], older: this.data.audit?.cursor ?? null };
  },
  computed: {
    masked() {
      return Object.entries(this.data.stats?.redacted ?? {}).sort((one, other) => other[1] - one[1]);
    },
    living() {
      return this.tokens.filter((one) => !one.revoked_us);
    },
  },
  methods: {
    ago, copy, count, many, safe, size, span, stamp,
    async refresh() {
      this.tokens = (await call("/tokens?limit=200")).tokens;
      await this.look("");
    },
    // Who did what: the newest, or those before what is shown.
    async look(cursor) {
      const { audit, cursor: older } = await call(`/audit?${query({ limit: 20, cursor })}`);
      this.deeds = cursor ? [...this.deeds, ...audit] : audit;
      this.older = older;
    },
    async make() {
      try {
        this.said = "";
        this.secret = (await call("/tokens", { method: "POST", json: { kind: this.kind, node: this.kind === "node" ? this.node.trim() : null } })).token;
        await this.refresh();
      } catch (error) {
        this.said = `${error.message} ${error.hint}`;
      }
    },
    async revoke(token) {
      if (!confirm(`Refuse token ${token.id} (${token.kind}${token.node ? ` ${token.node}` : ""}) from now on?`)) return;
      try {
        await call(`/tokens/${token.id}`, { method: "DELETE" });
        await this.refresh();
      } catch (error) {
        this.said = `${error.message} ${error.hint}`;
      }
    },
  },
  template: `
  <article tabindex="-1" class="content">
    <p v-if="data.error" class="told">{{ data.error }} {{ data.hint }}</p>
    <template v-else><h1>Health</h1>
    <table class="sheet parts"><tbody><tr v-for="part in data.parts"><td class="state" :class="{warn: part.state === 'degraded', dim: part.state === 'off'}">{{ part.state }}</td><td>{{ safe(part.name) }}</td><td>{{ safe(part.reason) }}</td></tr></tbody></table>
    <div class="columns"><section><h2>Store</h2><dl class="facts"><dt>Size</dt><dd>{{ size(data.stats.store_bytes) }}</dd><dt>Events of all time</dt><dd>{{ count(data.stats.events) }}{{ data.stats.events ? ', ' + data.stats.bytes_per_event + ' B each' : '' }}</dd><dt>Templates</dt><dd>{{ count(data.stats.templates) }} in {{ count(data.stats.families) }} families</dd>
        <dt>Lines are kept</dt><dd>{{ many(data.retention_days, 'day') }}; counts for years</dd><dt>Of late</dt><dd>{{ data.stats.events_per_s }} events/s</dd><dt>Version</dt><dd>{{ data.stats.version }}</dd></dl></section>
      <section><h2>Masked <small>secrets, since the server's start</small></h2><p v-if="!masked.length" class="empty">None.</p><table v-else class="sheet"><tbody><tr v-for="[name, n] in masked"><td>{{ name }}</td><td class="n">{{ count(n) }}</td></tr></tbody></table></section></div>
    <section><h2>Loops</h2><table class="sheet"><thead><tr><th>Loop</th><th>Last run</th><th class="n wide">Did</th><th class="n">Every</th><th class="apart">Error</th></tr></thead><tbody><tr v-for="loop in data.loops"><td class="mono">{{ loop.name }}</td><td>{{ ago(loop.last_run_us, data.now_us) }}</td>
      <td class="n wide">{{ loop.last_done ?? '' }}</td><td class="n">{{ span(loop.every_s) }}</td><td class="apart" :class="{warn: loop.failures}">{{ loop.failures ? safe(loop.last_error) + ' (' + loop.failures + ' times)' : '' }}</td></tr></tbody></table></section>
    <template v-if="data.admin"><section><h2>Tokens</h2>
      <form class="filters more" @submit.prevent="make"><select v-model="kind" aria-label="What it may do"><option v-for="[value, name] in kinds" :value="value">may {{ name }}</option></select>
        <input v-if="kind === 'node'" v-model="node" placeholder="Name of the node" aria-label="Name of the node" maxlength="255" required><button class="primary">Make a token</button></form>
      <p v-if="secret" class="secret"><code>{{ secret }}</code> <button @click="copy(secret)">Copy</button> <button @click="secret = ''">Done</button><br><small>Keep it now: it is stored as a hash and not shown again.</small></p>
      <p v-if="said" class="told" role="alert">{{ said }}</p>
      <p v-if="!living.length" class="empty">There is none.</p>
      <table v-else class="sheet"><tbody><tr v-for="token in living"><td>{{ token.id }}</td><td>{{ token.kind }} <b v-if="token.node">{{ safe(token.node) }}</b></td><td class="wide">{{ stamp(token.created_us, false) }}</td><td class="n"><button @click="revoke(token)">Revoke</button></td></tr></tbody></table></section>
      <section><h2>People</h2><p v-if="!data.users.length" class="empty">Nobody signs in: who sits at the server itself may do everything. <code>devmesh user add NAME</code> changes that.</p>
        <table v-else class="sheet"><tbody><tr v-for="user in data.users"><td>{{ safe(user.name) }}</td><td>{{ user.kind }}</td><td>{{ stamp(user.created_us, false) }}</td></tr></tbody></table></section>
      <section><h2>Done <small>who changed what</small></h2><p v-if="!deeds.length" class="empty">Nothing was changed yet.</p>
        <table v-else class="sheet"><thead><tr><th>When</th><th>Who</th><th>What</th></tr></thead><tbody><tr v-for="deed in deeds" :key="deed.id"><td class="when">{{ stamp(deed.at_us, false) }}</td><td>{{ safe(deed.who) }}</td><td>{{ safe(deed.did) }} {{ safe(deed.what) }}</td></tr></tbody></table>
        <p v-if="older"><button @click="look(older)">Show older</button></p></section></template>
    <section><h2>Settings <small>in force</small></h2><table class="sheet settings"><thead><tr><th>Setting</th><th>Value</th><th>From</th></tr></thead><tbody><tr v-for="one in data.settings" :class="{dim: one.source === 'default'}"><td class="mono">{{ one.name }}</td><td class="mono">{{ one.value === '' || one.value === 'None' ? 'not set' : safe(one.value) }}</td><td class="state">{{ one.source }}</td></tr></tbody></table></section>
    </template>
  </article>`,
};
