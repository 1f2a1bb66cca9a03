// A picture of who needs whom, drawn by the ECharts that comes with NiceGUI. Names are painted as plain text: nothing in
// it is HTML, and no name is read as a pattern. All that it shows stands beside it in words, too.
import { by_host, by_need } from "devmesh/graph_layout.js";
import { SHAPES, kind_of } from "devmesh/graph_shapes.js";
import { safe } from "devmesh/text.js";

const FILLS = { critical: "crit-fill", warning: "warn-fill", info: "note" };
const INKS = { critical: "crit", warning: "warn" };
const LINES = { declared: "solid", learned: "dashed", proposed: "dotted" };
const SIZE = 24;
const NAME_SHOWN = 40; // of what a cell cannot hold anyway

// Every text begins with a hair space: ECharts keeps the widths of texts in a plain object, where a text that is called
// like a member of all objects ("__proto__") would write into every object of the page.
const paint = (text) => `\u200a${text}`;
const short = (name) => (name.length > NAME_SHOWN ? `${safe(name.slice(0, NAME_SHOWN))}…` : safe(name));

export default {
  // `edges`: [who needs, what is needed, types, kind of line]; `lit`: ids that stand out, null for all; `ways`: "who what"
  // of edges that stand out, null for all between those; `notes`: {id: what to write below}.
  props: { things: Array, edges: Array, hosts: Array, by: String, chosen: Number, lit: Set, ways: Set, notes: Object, label: String },
  emits: ["choose"],
  data: () => ({ failed: "" }),
  watch: {
    ...Object.fromEntries(["things", "edges", "by", "chosen", "lit", "ways", "notes"].map((name) => [name, function () { this.draw(); }])), // prettier-ignore
  },
  async mounted() {
    try {
      const { echarts } = await import("nicegui-echart");
      if (!this.$refs.area) return;
      this.chart = echarts.init(this.$refs.area, null, { renderer: "canvas", width: this.$el.clientWidth, height: 100 });
    } catch (error) {
      this.failed = "The picture could not be loaded; the list below says the same.";
      throw error;
    }
    this.chart.on("click", (event) => event.dataType === "node" && this.$emit("choose", Number(event.data.id)));
    this.sized = new ResizeObserver(() => this.$el.clientWidth !== this.width && this.draw());
    this.sized.observe(this.$el);
    this.themed = new MutationObserver(() => this.draw());
    this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.paint();
  },
  beforeUnmount() {
    this.sized?.disconnect();
    this.themed?.disconnect();
    this.chart?.dispose();
    this.chart = null;
  },
  methods: {
    // Once for all that changes in one turn.
    draw() {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.chart && this.$el?.clientWidth && this.paint());
    },
    paint() {
      this.width = this.$el.clientWidth;
      const { places, boxes, height, cell } = (this.by === "need" ? by_need : by_host)(this.things, this.edges, this.width);
      const style = getComputedStyle(document.documentElement);
      const ink = (name) => style.getPropertyValue(`--${name}`).trim();
      this.chart.resize({ width: this.width, height });
      this.$refs.area.style.height = `${height}px`;
      const axis = { type: "value", show: false, min: 0 };
      this.chart.setOption(
        {
          animation: false,
          textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
          tooltip: { show: false },
          grid: { left: 0, right: 0, top: 0, bottom: 0 },
          xAxis: { ...axis, max: this.width },
          yAxis: { ...axis, max: height, inverse: true },
          graphic: boxes.flatMap((box) => this.box(box, ink)),
          series: [
            {
              type: "graph", coordinateSystem: "cartesian2d", layout: "none", symbolKeepAspect: true, z: 3,
              edgeSymbol: ["none", "arrow"], edgeSymbolSize: 7, emphasis: { focus: "adjacency", scale: false },
              blur: { itemStyle: { opacity: 0.25 }, lineStyle: { opacity: 0.08 }, label: { opacity: 0.3 } },
              data: this.things.map((one) => this.node(one, places.get(one.id), cell, ink)),
              links: this.edges.map((edge) => this.line(edge, places, ink)),
            },
          ],
        },
        { notMerge: true },
      );
    },
    dim(id) {
      return this.lit && !this.lit.has(id);
    },
    node(one, place, cell, ink) {
      const [chosen, dim] = [one.id === this.chosen, this.dim(one.id)];
      const ground = dim ? {} : { backgroundColor: ink(this.by === "need" ? "ground" : "panel"), padding: [0, 2], borderRadius: 2 }; // no line runs through it
      const lines = [short(one.name), this.by === "need" && one.kind !== "host" ? short(one.place) : "", ...(this.notes?.[one.id] ?? one.severity ?? "").split("\n")].filter(Boolean);
      return {
        id: String(one.id), name: String(one.id), value: place,
        symbol: `path://${SHAPES[kind_of(one)]}`, symbolSize: chosen ? SIZE + 8 : SIZE,
        itemStyle: { color: ink(FILLS[one.severity] ?? "raised"), borderColor: ink(chosen || (this.lit && !dim) ? "strong" : "note"), borderWidth: chosen ? 3 : this.lit && !dim ? 2 : 1.2, opacity: dim ? 0.3 : 1 },
        label: { show: true, position: "bottom", distance: 4, fontSize: 11.5, lineHeight: 14, ...(Math.max(...lines.map((text) => text.length)) * 6.3 > cell - 6 ? { width: cell - 6, overflow: "truncate", ellipsis: "…" } : {}), ...ground, color: ink(INKS[one.severity] ?? (dim ? "dim" : "text")), opacity: dim ? 0.7 : 1, fontWeight: chosen ? 700 : 400, formatter: () => lines.map(paint).join("\n") },
      }; // prettier-ignore
    },
    line([who, what, , kind], places, ink) {
      const [from, to] = [places.get(who), places.get(what)];
      const lit = this.ways ? this.ways.has(`${who} ${what}`) : this.lit ? this.lit.has(who) && this.lit.has(what) : null;
      const level = from && to && Math.abs(from[1] - to[1]) < 20; // then it goes around whoever stands between
      const far = from && to ? Math.hypot(from[0] - to[0], from[1] - to[1]) : 1;
      return {
        source: String(who), target: String(what),
        lineStyle: { color: ink(lit ? "strong" : "dim"), width: lit ? 2 : 1, opacity: lit === null ? 0.6 : lit ? 1 : this.lit ? 0.12 : 0.5, type: LINES[kind] ?? "solid", curveness: level ? Math.min(0.28, 80 / far) : Math.min(0.06, 30 / far) },
      }; // prettier-ignore
    },
    box({ name, x, y, width, height }, ink) {
      const known = this.hosts?.find((one) => one.name === name);
      const ill = known?.severity;
      const text = { type: "text", x: x + 9, y: y + 7, z: 1, style: { text: paint(`${short(name)}${ill ? ` · ${ill}` : ""}`), fill: ink(INKS[ill] ?? "dim"), font: `600 12px ${getComputedStyle(document.body).fontFamily}`, width: width - 18, overflow: "truncate" } };
      return [
        { type: "rect", x, y, z: 0, silent: true, shape: { width: width - 1, height: height - 1, r: 6 }, style: { fill: ink("panel"), stroke: ink("line") } },
        known ? { ...text, cursor: "pointer", onclick: () => this.$emit("choose", known.id) } : { ...text, silent: true },
      ]; // prettier-ignore
    },
  },
  template: `<figure class="graph-picture" role="img" :aria-label="label"><p v-if="failed" class="told">{{ failed }}</p><div ref="area" class="area"></div></figure>`,
};
