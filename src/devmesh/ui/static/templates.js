// The catalogue.
import Families from "devmesh/families.js";
import { call, query } from "devmesh/api.js";
import { many, safe } from "devmesh/text.js";

const SORTS = [["count", "most events"], ["new", "newest"], ["last", "last seen"], ["rate", "highest rate"]];

export default {
  props: { data: Object },
  components: { Families },
  data() {
    return {
      sorts: SORTS, asked: { q: this.data.q ?? "", sort: this.data.sort ?? "count", service: this.data.service ?? [] }, families: this.data.families ?? [],
      more: !this.data.q && (this.data.families ?? []).length === this.data.page, error: this.data.error ? { message: this.data.error, hint: this.data.hint } : null, turn: 0, waiting: false,
    };
  },
  mounted() {
    this.back = () => {
      const said = new URLSearchParams(location.search);
      this.load({ q: said.get("q") ?? "", sort: said.get("sort") ?? "count", service: said.getAll("service") }, false);
    };
    addEventListener("popstate", this.back);
    this.watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.next(), { rootMargin: "600px" });
    this.watcher.observe(this.$refs.end);
  },
  unmounted() {
    removeEventListener("popstate", this.back);
    this.watcher?.disconnect();
  },
  methods: {
    many, safe,
    ask(change) {
      this.load({ ...this.asked, ...change }, true);
    },
    async load(asked, push) {
      this.asked = asked;
      const told = query({ ...asked, sort: asked.sort === "count" ? "" : asked.sort });
      if (push) history.pushState(null, "", `/ui/templates${told.size ? `?${told}` : ""}`);
      const turn = ++this.turn;
      [this.waiting, this.error] = [true, null];
      try {
        const found = await this.page(0);
        if (turn === this.turn) [this.families, this.more] = [found, !asked.q && found.length === this.data.page];
      } catch (error) {
        if (turn === this.turn) this.error = error;
      }
      if (turn === this.turn) this.waiting = false;
    },
    async page(offset) {
      const { q, sort, service } = this.asked;
      const limit = this.data.page;
      if (!q) return (await call(`/templates?${query({ sort, service, limit, offset, trend: true })}`)).templates;
      const { results } = await call(`/search/templates?${query({ query: q, limit, trend: true })}`);
      return results.filter((one) => !service.length || service.includes(one.service));
    },
    async next() {
      if (!this.more || this.waiting || this.error) return;
      const turn = this.turn;
      this.waiting = true;
      try {
        const found = await this.page(this.families.length);
        if (turn !== this.turn) return;
        const known = new Set(this.families.map((one) => one.id));
        this.families = [...this.families, ...found.filter((one) => !known.has(one.id))];
        this.more = found.length === this.data.page;
      } catch (error) {
        this.error = error;
      } finally {
        this.waiting = false;
      }
    },
    pick(event) {
      const name = event.target.value.trim();
      event.target.value = "";
      if (name && !this.asked.service.includes(name)) this.ask({ service: [...this.asked.service, name] });
    },
  },
  template: `
  <article tabindex="-1" class="content">
    <form class="filters more" @submit.prevent><input data-first class="words" type="search" :value="asked.q" placeholder="Words or meaning: disk is dying" aria-label="Words or meaning"
        maxlength="1000" @change="ask({q: $event.target.value.trim()})">
      <select :value="asked.sort" :disabled="!!asked.q" aria-label="Order" @change="ask({sort: $event.target.value})"><option v-for="[value, name] in sorts" :value="value">{{ name }}</option></select>
      <input class="extra" list="known-services" placeholder="Service" aria-label="Service" @change="pick">
      <datalist id="known-services"><option v-for="name in data.services ?? []" :value="name"/></datalist>
      <div v-if="asked.service.length" class="chips"><button v-for="name in asked.service" type="button" class="chip" @click="ask({service: asked.service.filter(one => one !== name)})"
        :aria-label="'Remove ' + name">service {{ safe(name) }} <span aria-hidden="true">×</span></button></div></form>
    <p v-if="error" class="told" role="alert">{{ error.message }} {{ error.hint }}</p>
    <Families :families="families" :now="data.now_us" :why="!!asked.q" heads :time="asked.sort === 'new' ? 'created_us' : 'last_seen_us'" :aria-busy="waiting"/>
    <p v-if="!families.length && !waiting && !error" class="empty">{{ asked.q || asked.service.length ? 'No template matches.' : 'There is no template yet: they are made from the first lines that come in.' }}</p>
    <p ref="end" class="empty">{{ waiting ? '…' : more ? '' : families.length ? many(families.length, 'family').replace('familys', 'families') : '' }}</p>
  </article>`,
};
