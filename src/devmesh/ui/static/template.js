// One family or template.
import Bars from "devmesh/bars.js";
import TemplateText from "devmesh/template_text.js";
import { call } from "devmesh/api.js";
import { PRIORITIES, ago, brief, count, group, hint, lines, many, parts, safe, short, stamp } from "devmesh/text.js";

const SPANS = [["day", "24 h"], ["week", "7 d"], ["month", "30 d"], ["year", "1 year"], ["all", "all"]];
const VALUES_SHOWN = 10;

export default {
  props: { data: Object },
  components: { Bars, TemplateText },
  data() {
    return { spans: SPANS, label: this.data.label ?? "", note: this.data.note ?? "", said: "", kept: [this.data.label ?? "", this.data.note ?? ""], names: PRIORITIES, all: false, into: "", told: "" };
  },
  computed: {
    family() {
      return this.data.id?.startsWith("f");
    },
    places() {
      const holes = parts(this.data.text).filter((one) => one.varies);
      const places = new Map();
      for (const value of this.data.values ?? []) places.set(value.position, [...(places.get(value.position) ?? []), value]);
      return [...places].map(([position, values]) => {
        const total = values.reduce((sum, one) => sum + one.n, 0);
        return { name: holes[position]?.text ?? `place ${position + 1}`, distinct: values.length, values: values.slice(0, VALUES_SHOWN).map((one) => ({ ...one, part: one.n / total })) };
      });
    },
    total() {
      return this.data.histogram?.bars.reduce((sum, bar) => sum + bar.reduce((all, n) => all + n, 0), 0) ?? 0;
    },
    changed() {
      return this.label !== this.kept[0] || this.note !== this.kept[1];
    },
  },
  methods: {
    ago, brief, count, group, hint, lines, many, safe, short, stamp,
    zoom({ since_us, until_us }) {
      location.assign(`/ui/logs?template=${this.data.id}&since=${since_us}&until=${until_us}`);
    },
    // What people change leads to the family as it is afterwards.
    async change(what, json) {
      try {
        const { id } = await call(`/templates/${this.data.id}/${what}`, { method: "POST", json });
        location.assign(`/ui/templates/${id}`);
      } catch (error) {
        this.told = `${error.message} ${error.hint}`;
      }
    },
    merge() {
      const into = this.into.trim();
      if (into && confirm(`Let ${this.data.id} go into ${into}? Its id leads there from then on.`)) this.change("merge", { into });
    },
    split() {
      if (confirm(`Make ${this.data.id} a family of its own?`)) this.change("split", {});
    },
    async keep() {
      try {
        await call(`/templates/${this.data.id}/words`, { method: "PUT", json: { label: this.label, note: this.note } });
        this.kept = [this.label, this.note];
        this.said = "Saved";
      } catch (error) {
        this.said = `${error.message} ${error.hint}`;
      }
    },
  },
  template: `
  <article tabindex="-1" class="content one">
    <p v-if="data.error" class="empty">{{ data.error }} {{ hint(data.hint) }} <a class="linked" href="/ui/templates">All templates</a></p>
    <template v-else>
    <header><h1><small>{{ data.id }} · <a class="linked" :href="'/ui/services?service=' + encodeURIComponent(data.service)">{{ safe(data.service) }}</a></small> {{ safe(kept[0]) }}</h1>
      <p class="whole-template"><TemplateText :text="data.text"/></p>
      <p v-if="data.explained" class="told">{{ data.explained }}</p>
      <p v-if="data.merged_into" class="told">Became part of <a class="linked" :href="'/ui/templates/' + data.merged_into">{{ data.merged_into }}</a>.</p>
      <dl class="figures"><div><dt>Events</dt><dd>{{ count(data.events) }}</dd></div><div v-if="data.events_per_day"><dt>A day</dt><dd>{{ short(data.events_per_day) }}</dd></div>
        <div><dt>First</dt><dd>{{ data.first_seen_us ? brief(data.first_seen_us) : '' }}</dd></div><div><dt>Last</dt><dd>{{ ago(data.last_seen_us, data.now_us) }}</dd></div>
        <div v-if="data.level != null"><dt>Level in the text</dt><dd :class="group(data.level)">{{ names[data.level] }}</dd></div></dl></header>
    <section><div class="head"><h2>History</h2><nav class="ranges"><a v-for="[value, name] in spans" :href="'/ui/templates/' + data.id + (value === 'all' ? '' : '?span=' + value)" :aria-current="data.span === value ? 'true' : undefined">{{ name }}</a></nav></div>
      <Bars v-if="total" :histogram="data.histogram" @zoom="zoom"/><p v-else class="empty">Not once in this time.</p>
      <p class="under"><a :href="'/ui/logs?since=all&template=' + data.id">Its lines</a><a v-if="!family && data.family" :href="'/ui/templates/' + data.family.id">Its family {{ data.family.id }}</a></p></section>
    <section v-if="places.length"><h2>Values <small>in its places, as far as samples tell</small></h2>
      <div class="columns values"><div v-for="place in places"><h3><i class="hole mono">{{ place.name }}</i> <small>{{ place.distinct === 1 ? 'always the same' : place.distinct + (place.distinct >= 20 ? ' or more' : '') + ' different' }}</small></h3>
        <ul><li v-for="value in place.values"><span class="part" :style="{width: value.part * 100 + '%'}"></span><span class="mono value" dir="ltr">{{ safe(value.value) }}</span><span class="n">{{ count(value.n) }}</span></li></ul></div></div></section>
    <section><h2>Examples</h2><p v-if="!data.examples.length" class="empty">None kept yet.</p>
      <ol class="near mono examples"><li v-for="one in data.examples"><time>{{ stamp(one.ts_us) }}</time> <span class="dim">{{ safe(one.node) }}</span><span v-for="text in lines(one.message)" class="text" dir="ltr">{{ text }}</span></li></ol></section>
    <div class="columns"><section><h2>Nodes</h2><table class="sheet"><tbody><tr v-for="one in data.nodes.slice(0, 50)"><td><a :href="'/ui/logs?since=all&template=' + data.id + '&node=' + encodeURIComponent(one.node)">{{ safe(one.node) }}</a></td><td class="n">{{ count(one.events) }}</td></tr></tbody></table></section>
      <section><h2>People's words</h2><form class="words-form" @submit.prevent="keep"><input v-model="label" placeholder="Label" aria-label="Label" maxlength="255" :disabled="!family || !data.may"><textarea v-model="note" rows="4" placeholder="Note: what it means, what to do"
        aria-label="Note" maxlength="10000" :disabled="!family || !data.may"></textarea><p class="tools"><button v-if="data.may" :disabled="!changed || !family">Save</button><output>{{ !data.may ? 'You may look here, but change nothing.' : family ? said : 'Labels and notes belong to the family.' }}</output></p></form>
        <form v-if="family && data.may" class="tools apart-above" @submit.prevent="merge"><span class="dim">Is the same as</span> <input v-model="into" placeholder="f12" aria-label="Merge into family" size="6" maxlength="16"><button :disabled="!into.trim()">Merge into it</button></form>
        <p v-else-if="data.may && data.family && data.family.templates > 1" class="tools apart-above"><button @click="split">Split off from {{ data.family.id }}</button></p>
        <p v-if="told" class="told" role="alert">{{ told }}</p></section></div>
    <section v-if="family && data.members.length > 1"><h2>Members <small>{{ many(data.members.length, 'template') }}</small></h2>
      <ul class="rows"><li v-for="one in data.members.slice(0, all ? 100 : 12)"><a :href="'/ui/templates/' + one.id"><i class="mark"></i><span class="what"><TemplateText :text="one.text"/></span><span class="n">{{ short(one.events) }}</span><span class="who">{{ one.id }}</span></a></li></ul>
      <p v-if="data.members.length > 12 && !all"><button @click="all = true">All {{ data.members.length }}</button></p></section>
    </template>
  </article>`,
};
