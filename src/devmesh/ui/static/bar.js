// The bar on top: the way to every page, what is degraded, the look, and out.
const PAGES = [
  ["Overview", ""], ["Incidents", "incidents"], ["Logs", "logs"], ["Templates", "templates"], ["Search", "search"],
  ["Nodes", "nodes"], ["Services", "services"], ["Graph", "graph"], ["Detectors", "detectors"], ["Health", "health"],
];
const KEYS = [
  ["g then o i l t s n v g d h", "Overview, Incidents, Logs, Templates, Search, Nodes, serVices, Graph, Detectors, Health"], ["/", "to the first field"],
  ["j k, arrows in the list", "next and previous line"], ["Enter", "open the line"], ["x", "leave its template out"], ["p", "live tail: pause, go on"],
  ["Esc", "close"], ["← → on the bars", "move; with Shift select; Enter zooms"], ["?", "these keys"],
];

export default {
  props: { data: Object },
  data: () => ({ pages: PAGES, keys: KEYS, light: document.documentElement.dataset.theme === "light" }),
  mounted() {
    this.$el.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" }); // a phone shows some of them
  },
  methods: {
    turn() {
      this.light = !this.light;
      if (this.light) document.documentElement.dataset.theme = "light";
      else delete document.documentElement.dataset.theme;
      try {
        localStorage.setItem("devmesh-theme", this.light ? "light" : "dark");
      } catch {
        // Then only for this page.
      }
    },
    skip() {
      document.querySelector(".content").focus();
    },
    help() {
      this.$refs.keys.showModal();
    },
  },
  template: `
  <header class="bar">
    <a class="skip" href="#" @click.prevent="skip">Skip to the content</a>
    <a class="brand" href="/ui/">DevMesh</a>
    <nav aria-label="Pages"><a v-for="[name, at] in pages" :href="'/ui/' + at"
      :aria-current="name === data.here ? 'page' : undefined">{{ name }}<b v-if="at === 'incidents' && data.open" class="open" :class="{crit: data.critical}" :aria-label="data.open + ' open'">{{ data.open }}</b></a></nav>
    <span class="side">
      <a v-if="data.ill.length" class="state warn" href="/ui/health" :title="data.ill.map(p => p.name).join(', ')">{{ data.ill.length }} degraded</a>
      <button class="quiet" @click="turn" :title="light ? 'Dark' : 'Light'" :aria-label="light ? 'Dark colours' : 'Light colours'">{{ light ? '☾' : '☀' }}</button>
      <button class="quiet wide" @click="help" title="Keys" aria-label="Keys">?</button>
      <form v-if="data.person" method="post" action="/ui/sign-out"><button class="quiet" :title="'Signed in as ' + data.person">Sign out</button></form>
    </span>
    <dialog class="keys" ref="keys" @click.self="$refs.keys.close()"><h2>Keys</h2>
      <dl><template v-for="[key, what] in keys"><dt>{{ key }}</dt><dd>{{ what }}</dd></template></dl>
      <form method="dialog"><button autofocus>Close</button></form></dialog>
  </header>`,
};
