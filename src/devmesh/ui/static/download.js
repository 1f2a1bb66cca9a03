// The result as a file, with how far it is. The browser keeps what has come on its own disk.
import { copy } from "devmesh/api.js";
import { Refused, signIn } from "devmesh/api.js";
import { count, size } from "devmesh/text.js";

const NEWLINE = 10;

export default {
  props: { params: Object, total: Number, link: Function },
  data: () => ({ open: false, lines: 0, bytes: 0, running: null, said: "" }),
  methods: {
    count, size,
    async take(form) {
      const asked = new URLSearchParams(this.params);
      asked.set("format", form);
      [this.lines, this.bytes, this.said, this.running] = [0, 0, "", new AbortController()];
      try {
        const answer = await fetch(`/logs/export?${asked}`, { signal: this.running.signal });
        if (answer.status === 401) return signIn();
        if (!answer.ok) throw new Refused(await answer.json().catch(() => ({})), answer.status);
        const parts = [];
        const reader = answer.body.getReader();
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          parts.push(new Blob([part.value]));
          this.bytes += part.value.length;
          for (const byte of part.value) if (byte === NEWLINE) this.lines++;
        }
        const url = URL.createObjectURL(new Blob(parts, { type: answer.headers.get("content-type") }));
        Object.assign(document.createElement("a"), { href: url, download: `devmesh-logs.${form}` }).click();
        setTimeout(() => URL.revokeObjectURL(url), 60_000);
        this.said = `${count(this.lines)} lines saved`;
      } catch (error) {
        this.said = error.name === "AbortError" ? "Stopped" : error.message;
      } finally {
        this.running = null;
      }
    },
    async copyLink() {
      await copy(this.link());
      this.said = "link copied";
    },
  },
  template: `
  <span class="download">
    <output v-if="said && !running">{{ said }}</output>
    <template v-if="running"><progress :max="Math.max(total ?? 1, lines)" :value="lines"></progress><output>{{ count(lines) }}{{ total ? ' of ' + count(total) : '' }}, {{ size(bytes) }}</output>
      <button @click="running.abort()">Stop</button></template>
    <template v-else><button @click="copyLink" class="wide">Copy link</button><button @click="take('ndjson')" title="Download as NDJSON">NDJSON</button><button @click="take('csv')" title="Download as CSV">CSV</button></template>
  </span>`,
};
