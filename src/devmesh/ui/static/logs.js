// The page of lines: what is asked stands in the address, so that a link and the way back show the same.
import Bars from "devmesh/bars.js";
import Download from "devmesh/download.js";
import Filters from "devmesh/filters.js";
import Line from "devmesh/line.js";
import Lines from "devmesh/lines.js";
import { call, query, signIn, typing } from "devmesh/api.js";
import { count, short, stamp } from "devmesh/text.js";

const MANY = ["node", "service", "template", "without"];
const ONE = ["priority", "since", "until", "contains", "regex"];
const SINCE = "24h";
const BARS = 98;
const PAGE = 200;
const FRESH_MAX = 2_000;
const RETRY_MS = 3_000;

export default {
  props: { data: Object },
  components: { Bars, Download, Filters, OneLine: Line, Lines },
  data() {
    const { asked, first } = this.data;
    // `turn` counts what was asked, `shown` is the turn whose lines are there.
    return {
      asked: asked && Object.fromEntries([...MANY, ...ONE].map((name) => [name, asked[name]])),
      first, histogram: null, partly: null, open: asked?.line || "", error: null, waiting: false, tail: null, flowing: false, paused: false, fresh: [], held: [], missed: 0,
      working: null, turn: 0, shown: 0, counted: false, uncounted: false,
    };
  },
  computed: {
    // As the API takes it: the address says `since=all` for what the API has no word for.
    params() {
      return query({ ...this.asked, since: this.asked.since === "all" ? "" : this.asked.since });
    },
    total() {
      if (!this.histogram) return this.counted ? 0 : null; // no bars: nothing matches, or it is not counted yet
      return this.histogram.bars.reduce((sum, bar) => sum + bar.reduce((all, n) => all + n, 0), 0);
    },
  },
  created() {
    if (this.data.error) {
      this.error = { message: this.data.error, hint: this.data.hint };
      this.asked = this.fromAddress();
      this.first = null;
      return;
    }
    this.count(++this.turn);
  },
  mounted() {
    this.back = () => this.load(this.fromAddress(), false);
    this.key = (event) => this.pressed(event);
    addEventListener("popstate", this.back);
    addEventListener("keydown", this.key);
    if (this.first && new URLSearchParams(location.search).has("live")) this.startTail();
  },
  unmounted() {
    removeEventListener("popstate", this.back);
    removeEventListener("keydown", this.key);
    this.gone = true;
    this.tail?.close();
  },
  methods: {
    many: (n) => count(n), short, stamp,
    fromAddress() {
      const said = new URLSearchParams(location.search);
      const asked = Object.fromEntries([...MANY.map((name) => [name, said.getAll(name)]), ...ONE.map((name) => [name, said.get(name) ?? ""])]);
      return { ...asked, since: asked.since || SINCE };
    },
    address(asked, line = "", live = !!this.tail) {
      const told = query({ ...asked, since: asked.since === SINCE ? "" : asked.since, line, live: live ? "1" : "" });
      return `/ui/logs${told.size ? `?${told}` : ""}`;
    },
    ask(change) {
      this.load({ ...this.asked, ...change }, true);
    },
    async load(asked, push) {
      const said = new URLSearchParams(location.search);
      const live = push ? !!this.tail : said.has("live");
      this.asked = asked;
      this.open = push ? "" : (said.get("line") ?? "");
      if (push) history.pushState(null, "", this.address(asked));
      this.stopTail();
      if (live) this.startTail();
      this.working?.abort();
      this.working = new AbortController();
      const turn = ++this.turn;
      this.waiting = true;
      this.error = null;
      this.count(turn);
      try {
        const page = await this.page(null);
        if (turn === this.turn) [this.first, this.shown] = [page, turn];
      } catch (error) {
        if (turn === this.turn && error.name !== "AbortError") [this.error, this.first] = [error, null];
      } finally {
        if (turn === this.turn) this.waiting = false;
      }
    },
    async count(turn) {
      const asked = new URLSearchParams(this.params);
      [this.counted, this.uncounted] = [false, false];
      asked.set("bars", BARS);
      try {
        const { histogram } = await call(`/logs/histogram?${asked}`, { signal: this.working?.signal });
        if (turn === this.turn) [this.histogram, this.partly, this.counted] = [histogram, histogram?.counted_from_us ?? null, true];
      } catch {
        if (turn === this.turn) [this.histogram, this.uncounted] = [null, true]; // the list says what is wrong
      }
    },
    page(cursor) {
      const asked = new URLSearchParams(this.params);
      asked.set("limit", PAGE);
      if (cursor) asked.set("cursor", cursor);
      return call(`/logs?${asked}`, { signal: this.working?.signal });
    },
    zoom({ since_us, until_us }) {
      this.ask({ since: String(since_us), until: String(until_us) });
    },
    show(id) {
      this.open = id;
      history.replaceState(null, "", this.address(this.asked, id));
    },
    include(id) {
      this.ask({ template: [id], without: [] });
    },
    exclude(id) {
      this.ask({ without: [...new Set([...this.asked.without, id])] });
    },
    // Absolute times: tomorrow the link still shows what is seen now.
    link(line = "") {
      const { since, until } = this.asked;
      const from = this.histogram?.from_us;
      const asked = { ...this.asked };
      if (since !== "all" && from && !/^\d{14,}$/.test(since)) asked.since = String(from);
      if (!until) asked.until = String(Date.now() * 1000);
      return location.origin + this.address(asked, line, false);
    },
    // -- the live tail
    turnTail() {
      if (this.tail) this.stopTail();
      else this.startTail();
      history.replaceState(null, "", this.address(this.asked, this.open));
    },
    startTail() {
      const asked = new URLSearchParams(this.params);
      asked.delete("since");
      asked.delete("until");
      this.tail = new EventSource(`/logs/tail?${asked}`);
      const tail = this.tail;
      tail.onopen = () => {
        if (!this.heard) this.meet(tail); // nothing heard yet: the browser has no Last-Event-ID to resume by
        this.flowing = true;
      };
      this.tail.onmessage = (message) => {
        this.heard = true;
        this.came(JSON.parse(message.data));
      };
      this.tail.addEventListener("missed", (message) => (this.missed += JSON.parse(message.data).events));
      this.tail.onerror = () => {
        if (this.tail?.readyState !== EventSource.CLOSED) return; // it connects again by itself, and resumes
        this.stopTail();
        call("/logs?limit=1").catch((error) => (error.status === 401 ? signIn() : (this.error = error))).finally(() => this.again());
      };
    },
    // A proxy that answers for a server that is away ends the tail for good: begin anew while the address asks for it.
    again() {
      setTimeout(() => {
        if (!this.gone && !this.tail && new URLSearchParams(location.search).has("live")) this.load(this.fromAddress(), false);
      }, RETRY_MS);
    },
    // What came between the list and the tail is in neither: look at the list again, now that the tail runs.
    async meet(tail) {
      const page = await this.page(null).catch(() => null);
      if (!page || this.tail !== tail) return;
      this.known = new Set(page.events.map((event) => event.id));
      const fresh = (event) => !this.known.has(event.id);
      [this.fresh, this.held] = [this.fresh.filter(fresh), this.held.filter(fresh)];
      if (page.events[0]?.id !== this.first?.events[0]?.id) [this.first, this.shown] = [page, this.turn + 0.5];
    },
    stopTail() {
      this.tail?.close();
      [this.tail, this.flowing, this.paused, this.fresh, this.held, this.missed, this.known, this.heard] = [null, false, false, [], [], 0, null, false];
    },
    came(event) {
      if (this.known?.has(event.id)) return;
      this.held.push(event);
      if (this.held.length > FRESH_MAX) this.missed += this.held.splice(0, this.held.length - FRESH_MAX).length;
      if (!this.paused && !this.due) this.due = requestAnimationFrame(() => this.flow());
    },
    flow() {
      this.due = 0;
      if (this.paused || !this.held.length) return;
      this.fresh = [...this.held.reverse(), ...this.fresh].slice(0, FRESH_MAX);
      this.held = [];
    },
    pause() {
      this.paused = !this.paused;
      this.flow();
    },
    pressed(event) {
      if (typing(event) || document.querySelector("dialog[open]")) return;
      const lines = this.$refs.lines;
      if (event.key === "j" || event.key === "k") lines?.step(event.key === "j" ? 1 : -1);
      else if (event.key === "Enter" && document.activeElement === document.body && lines?.chosen) this.show(lines.chosen.id);
      else if (event.key === "x" && lines?.chosen) this.exclude(lines.chosen.template_id);
      else if (event.key === "p") this.tail ? this.pause() : this.turnTail();
      else if (event.key === "Escape" && this.open) this.show("");
      else return;
      event.preventDefault();
    },
  },
  template: `
  <article tabindex="-1" class="content logs" :class="{opened: open}">
    <Filters :asked="asked" :nodes="data.nodes ?? []" :services="data.services ?? []" @ask="ask"/>
    <div class="status" aria-live="polite">
      <span class="sum"><template v-if="error"></template><template v-else-if="total === null">{{ uncounted ? 'Not counted' : 'Counting…' }}</template>
        <template v-else><b>{{ many(total) }}</b> {{ total === 1 ? 'line' : 'lines' }}<template v-if="partly"> back to {{ stamp(partly, false) }}; older ones were not counted</template></template></span>
      <span class="tools"><button :aria-pressed="!!tail" @click="turnTail" title="New lines as they come">{{ flowing ? 'Stop' : tail ? 'Connecting…' : 'Live' }}</button>
        <button v-if="tail" @click="pause" title="p">{{ paused ? 'Go on' + (held.length ? ' (' + held.length + ')' : '') : 'Pause' }}</button>
        <Download :params="params" :total="total" :link="link"/></span>
    </div>
    <Bars v-if="histogram && total" :histogram="histogram" @zoom="zoom"/>
    <p v-if="error" class="told" role="alert">{{ error.message }} {{ error.hint }}</p>
    <p v-if="tail && missed" class="told">{{ many(missed) }} more lines came than are shown here.</p>
    <div class="split">
      <Lines v-if="first" ref="lines" :key="shown" :first="first" :fresh="fresh" :load="page" :open="open" :waiting="waiting" @open="show"/>
      <OneLine v-if="open" :key="open" :id="open" :link="link" @close="show('')" @open="show" @include="include" @exclude="exclude"/>
    </div>
    <p v-if="first && !first.events.length && !first.cursor && !fresh.length && !waiting" class="empty">{{ data.services?.length ? 'No line matches.' : 'Nothing is stored yet.' }}
      <a v-if="data.services?.length && asked.since !== 'all'" class="linked" href="#" @click.prevent="ask({since: 'all', until: ''})">Look through all time</a><a v-else-if="!data.services?.length" class="linked" href="/ui/">How lines come in</a></p>
  </article>`,
};
