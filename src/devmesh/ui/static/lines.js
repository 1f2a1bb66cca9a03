// An endless list: only the lines in view are in the page, only the pages near them in memory. Pages that went are asked
// for again by their cursor, so a million lines take no more room than a screenful.
import { markRaw } from "vue";
import { clock, day, group, line, safe } from "devmesh/text.js";

const OVERSCAN = 12;
const KEPT_PAGES = 12; // on each side of what is in view
const BAR = 54; // what the bar on top covers

export default {
  props: { first: Object, fresh: Array, load: Function, open: String, waiting: Boolean },
  emits: ["open"],
  data() {
    const pages = [];
    if (this.first.events.length) pages.push({ events: markRaw(this.first.events), size: this.first.events.length, cursor: null, start: 0 });
    return {
      pages, size: this.first.events.length, cursor: this.first.cursor, searched: this.first.searched_to_us, loading: false, error: null,
      from: 0, to: 60, place: -1, height: innerWidth <= 640 ? 42 : 22,
    };
  },
  computed: {
    shown() {
      const rows = [];
      for (let at = this.from; at < Math.min(this.to, this.length); at++) rows.push({ at, event: this.event(at) });
      return rows;
    },
    length() {
      return this.fresh.length + this.size;
    },
    chosen() {
      return this.place >= 0 ? this.event(this.place) : null;
    },
  },
  watch: {
    fresh(now, before) {
      // Lines that come in above must not move those that somebody reads.
      const more = now.length - before.length;
      if (more > 0 && this.from > OVERSCAN) this.$nextTick(() => scrollBy(0, more * this.height));
      if (this.place >= 0) this.place += more;
      this.$nextTick(this.look);
    },
  },
  mounted() {
    this.look();
    this.scroll = () => {
      if (!this.frame) this.frame = requestAnimationFrame(() => ((this.frame = 0), this.look()));
    };
    this.resize = () => {
      this.height = innerWidth <= 640 ? 42 : 22;
      this.scroll();
    };
    addEventListener("scroll", this.scroll, { passive: true });
    addEventListener("resize", this.resize);
  },
  unmounted() {
    removeEventListener("scroll", this.scroll);
    removeEventListener("resize", this.resize);
    cancelAnimationFrame(this.frame);
  },
  methods: {
    clock, day, group, line, safe,
    find(row) {
      let low = 0;
      let high = this.pages.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (this.pages[middle].start <= row) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    event(at) {
      if (at < this.fresh.length) return this.fresh[at];
      const page = this.pages[this.find(at - this.fresh.length)];
      return page?.events?.[at - this.fresh.length - page.start] ?? null;
    },
    look() {
      const top = -this.$el.getBoundingClientRect().top;
      this.from = Math.max(0, Math.floor(top / this.height) - OVERSCAN);
      this.to = Math.ceil((top + innerHeight) / this.height) + OVERSCAN;
      this.keep();
      if (this.to > this.length - 100 && this.cursor && !this.loading && !this.error) this.next();
    },
    keep() {
      if (!this.pages.length) return;
      const low = this.find(Math.max(0, this.from - this.fresh.length));
      const high = this.find(Math.max(0, this.to - this.fresh.length));
      this.pages.forEach((page, number) => {
        if (page.events && (number < low - KEPT_PAGES || number > high + KEPT_PAGES) && number) page.events = null;
      });
      for (let number = low; number <= high; number++) if (!this.pages[number].events && !this.pages[number].asked) this.again(this.pages[number]);
    },
    async again(page) {
      page.asked = true;
      try {
        const { events } = await this.load(page.cursor);
        page.events = markRaw(events.slice(0, page.size));
      } catch (error) {
        if (error.name !== "AbortError") this.error = error;
      } finally {
        page.asked = false;
      }
    },
    async next() {
      this.loading = true;
      const cursor = this.cursor;
      try {
        const page = await this.load(cursor);
        if (page.events.length) {
          this.pages.push({ events: markRaw(page.events), size: page.events.length, cursor, start: this.size });
          this.size += page.events.length;
        }
        [this.cursor, this.searched] = [page.cursor, page.searched_to_us];
      } catch (error) {
        if (error.name !== "AbortError") this.error = error;
      } finally {
        this.loading = false;
      }
      this.$nextTick(this.look);
    },
    retry() {
      this.error = null;
      this.look();
    },
    step(by) {
      this.place = Math.min(Math.max(this.place + by, 0), this.length - 1);
      const top = this.$el.getBoundingClientRect().top + this.place * this.height;
      if (top < 90) scrollBy(0, top - 90);
      else if (top > innerHeight - 60) scrollBy(0, top - innerHeight + 60);
      if (this.open && this.chosen) this.$emit("open", this.chosen.id);
    },
    // The list by keys alone, as lists are elsewhere; j and k work from wherever the focus is.
    keyed(event) {
      const screen = Math.max(1, Math.floor(innerHeight / this.height) - 8);
      const by = { ArrowDown: 1, ArrowUp: -1, PageDown: screen, PageUp: -screen, Home: -this.length }[event.key];
      if (by) this.step(by);
      else if (event.key === "Enter" && this.chosen) this.$emit("open", this.chosen.id);
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    focused() {
      if (this.place < 0 && this.length) this.place = Math.max(0, Math.ceil((BAR - this.$el.getBoundingClientRect().top) / this.height));
    },
    pick(row) {
      this.place = row.at;
      if (row.event) this.$emit("open", row.event.id);
    },
    // A day is named where it begins, and on the first line.
    newDay(at) {
      const before = at ? this.event(at - 1) : null;
      const here = this.event(at);
      return here && (!at || (before && day(before.ts_us) !== day(here.ts_us))) ? day(here.ts_us) : "";
    },
  },
  template: `
  <section class="lines" :aria-busy="waiting" aria-label="Lines">
    <div class="all" tabindex="0" role="listbox" aria-label="Lines: arrows move, Enter opens" :aria-activedescendant="place < 0 ? undefined : 'line-' + place" @keydown="keyed" @focus="focused" :style="{height: length * height + 'px'}">
      <ol :style="{transform: 'translateY(' + from * height + 'px)'}">
        <li v-for="row in shown" :key="row.at" :id="'line-' + row.at" role="option" :aria-selected="row.at === place" :style="{height: height + 'px'}" :class="{chosen: row.at === place, open: row.event && row.event.id === open, begins: newDay(row.at)}" @click="pick(row)">
          <template v-if="row.event"><i :class="'mark fill-' + group(row.event.priority)"></i>
            <time>{{ clock(row.event.ts_us) }}</time><span class="who" :title="safe(row.event.node)">{{ safe(row.event.node) }}</span>
            <span class="who service" :title="safe(row.event.service)">{{ safe(row.event.service) }}</span>
            <span class="message" :class="row.event.priority < 5 ? group(row.event.priority) : ''" dir="ltr">{{ line(row.event.message) }}</span>
            <span v-if="newDay(row.at)" class="day">{{ newDay(row.at) }}</span></template>
          <template v-else><span class="message dim">…</span></template>
        </li>
      </ol>
    </div>
    <p v-if="error" class="told">{{ error.message }} <button @click="retry">Try again</button></p>
    <p v-else-if="cursor" class="empty">Looking further back{{ searched ? ' than ' + day(searched) + ' ' + clock(searched, false) : '' }}…</p>
    <p v-else-if="length" class="empty">That is all.</p>
  </section>`,
};
