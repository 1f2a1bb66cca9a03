// One line in full: its fields, its template, what the same node said before and after.
import TemplateText from "devmesh/template_text.js";
import { call, copy } from "devmesh/api.js";
import { PRIORITIES, clock, count, group, line, lines, many, safe, stamp, zone } from "devmesh/text.js";

const AROUND = 12;

export default {
  props: { id: String, link: Function },
  emits: ["close", "open", "include", "exclude"],
  components: { TemplateText },
  data: () => ({ around: null, template: null, error: null, said: "", names: PRIORITIES }),
  computed: {
    event() {
      return this.around?.events.find((one) => one.id === this.id);
    },
    fields() {
      return Object.entries(this.event?.fields ?? {}).map(([name, value]) => [safe(name), typeof value === "string" ? value : JSON.stringify(value)]);
    },
    family() {
      return this.template?.family?.id ?? this.event?.template_id;
    },
  },
  async created() {
    try {
      this.around = await call(`/logs/${encodeURIComponent(this.id)}/context?before=${AROUND}&after=${AROUND}`);
      this.template = await call(`/templates/${this.event.template_id}`);
    } catch (error) {
      this.error = error;
    }
  },
  methods: {
    clock, count, group, line, lines, many, safe, stamp, zone,
    async take(what) {
      await copy(what === "link" ? this.link(this.id) : what === "text" ? `${stamp(this.event.ts_us)} ${this.event.node} ${this.event.service} ${safe(this.event.message)}` : JSON.stringify(this.event, null, 2));
      this.said = `${what} copied`;
      setTimeout(() => (this.said = ""), 2000);
    },
  },
  template: `
  <aside class="line" aria-label="One line">
    <p class="close"><button @click="$emit('close')" aria-label="Close" title="Esc">×</button></p>
    <p v-if="error && !event" class="told">{{ error.message }} {{ error.hint }}</p>
    <p v-else-if="!event" class="empty">…</p>
    <template v-else>
      <dl class="facts"><dt>Time</dt><dd>{{ stamp(event.ts_us) }} <small>{{ zone(event.ts_us) }}</small></dd><dt>Node</dt><dd><a class="linked" :href="'/ui/nodes?node=' + encodeURIComponent(event.node)">{{ safe(event.node) }}</a></dd>
        <dt>Service</dt><dd><a class="linked" :href="'/ui/services?service=' + encodeURIComponent(event.service)">{{ safe(event.service) }}</a><span v-if="event.pid" class="dim"> [{{ event.pid }}]</span></dd>
        <dt>Priority</dt><dd :class="event.priority < 5 ? group(event.priority) : ''">{{ names[event.priority] }}</dd></dl>
      <pre class="whole" dir="ltr"><span v-for="one in lines(event.message)">{{ one }}</span></pre>
      <p class="tools"><button @click="take('link')">Copy link</button><button @click="take('text')">Copy text</button><button @click="take('JSON')">Copy JSON</button><output>{{ said }}</output></p>
      <h2>Template <a class="linked dim" :href="'/ui/templates/' + family">{{ family }}</a></h2>
      <p v-if="template" class="pattern"><TemplateText :text="template.family?.text ?? template.text"/> <small>{{ many(template.family?.events ?? template.events, 'time') }}</small></p>
      <p v-if="template" class="tools"><button @click="$emit('include', family)">Only this template</button><button @click="$emit('exclude', family)" title="x">Leave it out</button></p>
      <template v-if="fields.length"><h2>Fields</h2><dl class="facts mono"><template v-for="[name, value] in fields"><dt>{{ name }}</dt><dd>{{ safe(value) }}</dd></template></dl></template>
      <h2>Before and after <small>on {{ safe(event.node) }}</small></h2>
      <ol class="near mono"><li v-for="one in around.events" :class="{here: one.id === id}"><a href="#" @click.prevent="$emit('open', one.id)">
        <i :class="'mark fill-' + group(one.priority)"></i><time>{{ clock(one.ts_us) }}</time> <span class="dim">{{ safe(one.service) }}</span> {{ line(one.message).slice(0, 400) }}</a></li></ol>
    </template>
  </aside>`,
};
