// What would have been told if detectors were set otherwise: the past, looked at with the code that watches.
import { call, query } from "devmesh/api.js";
import { lasted, some, tone } from "devmesh/incident_rows.js";
import { brief, count, many, safe } from "devmesh/text.js";

const TIMES = [["7d", "last 7 days"], ["14d", "last 14 days"], ["30d", "last 30 days"], ["35d", "last 35 days"]];
const LEARN = [[24, "1 day"], [48, "2 days"], [96, "4 days"], [168, "a week"], [336, "2 weeks"]];
const MOVED_S = 60;
const [SINCE, WEEK_US] = ["30d", 7 * 86_400_000_000];

export default {
  props: { asked: Object, tuned: Object, names: Array },
  data() {
    const { since, learn, tell_from: from, off } = this.asked;
    return {
      times: TIMES, learn: LEARN, since: since || SINCE, hours: Number(learn) || this.tuned.learn, from: Number(from) || this.tuned.tell_from,
      off: off == null ? [...this.tuned.off] : off.split(",").map((one) => one.trim()).filter(Boolean), found: null, told: "", waiting: false, again: false,
    };
  },
  computed: {
    luck() {
      return `1 in ${count(Number((10 ** this.from).toPrecision(1)))} by luck`;
    },
    weekly() {
      const watched = this.found.until_us - this.found.learned_us;
      return watched > 0 ? ((this.found.incidents.length / watched) * WEEK_US).toFixed(1) : null;
    },
    // Told at another time than then.
    moved() {
      return this.found.same.filter((one) => Math.abs(one.later_s) >= MOVED_S);
    },
    lists() {
      const { more, incidents } = this.found;
      return [["Would be told besides", more], [more.length || this.found.less.length ? "All that would be told" : "", incidents]];
    },
    to_set() {
      return Object.entries(this.found.to_set).map(([name, value]) => `${name}=${/[ ,]/.test(value) || !value ? `"${value}"` : value}`);
    },
  },
  mounted() {
    const { since, learn, tell_from: from, off } = this.asked;
    if (since || learn || from || off != null) this.look(); // a link shows what its sender saw
  },
  methods: {
    brief, count, lasted, many, safe, some, tone,
    lines: (one) => `/ui/logs?${query({ node: one.nodes, since: one.onset_us - 300e6, until: (one.closed_us ?? one.detected_us) + 300e6 })}`,
    wish() {
      const said = query({ since: this.since, learn: this.hours, tell_from: this.from });
      said.set("off", this.off.join(",")); // also where it is none
      return said;
    },
    ask() {
      history.replaceState(null, "", `/ui/detectors?${this.wish()}`);
      return this.look();
    },
    // The server looks at one past at a time: what is asked meanwhile is asked when it is done.
    async look() {
      if (this.waiting) {
        this.again = true;
        return;
      }
      this.waiting = true;
      do {
        [this.again, this.told] = [false, ""];
        try {
          this.found = await call(`/detect?${this.wish()}`);
        } catch (error) {
          this.told = `${error.message} ${error.hint}`;
        }
      } while (this.again);
      this.waiting = false;
    },
  },
  template: `
  <section class="backtest"><h2>Try on the past <small>what other settings would have told; nothing is stored or told by it</small></h2>
    <form class="filters more" @submit.prevent="ask"><select v-model="since" aria-label="Look at" @change="ask"><option v-if="!times.some(([value]) => value === since)" :value="since">since {{ safe(since) }}</option><option v-for="[value, name] in times" :value="value">{{ name }}</option></select>
      <select v-model="hours" aria-label="Learn" @change="ask"><option v-if="!learn.some(([value]) => value === hours)" :value="hours">only learn for {{ hours }} h</option><option v-for="[value, name] in learn" :value="value">only learn for {{ name }}</option></select>
      <label class="slide">Tell from <input type="range" v-model.number="from" min="2" max="6" step="0.5" :aria-valuetext="from + ', ' + luck" @change="ask"><output>{{ from.toFixed(1) }} <small>{{ luck }}</small></output></label>
      <button class="primary" :disabled="waiting">{{ waiting ? 'Looking…' : 'What would have been told?' }}</button>
      <fieldset class="without"><legend>Without</legend><label v-for="name in names" class="check"><input type="checkbox" v-model="off" :value="name" @change="ask"> {{ safe(name) }}</label></fieldset></form>
    <p v-if="told" class="told" role="alert">{{ told }}</p>
    <div v-if="found" :aria-busy="waiting" class="apart-above" aria-live="polite"><p v-if="found.learned_us === null" class="empty">No line was stored in this time.</p>
      <p v-else-if="weekly === null" class="told">All of it would have been learning: it is learned until {{ brief(found.learned_us) }}. Look further back, or learn for a shorter time.</p>
      <template v-else>
      <p v-if="found.messages" class="weekly">Since {{ brief(found.compared_since_us) }}, as it was and as it would be: <b v-if="found.a_week">{{ found.a_week.told.toFixed(1) }} → {{ found.a_week.would.toFixed(1) }} messages a week</b><b v-else>{{ found.messages.told }} → {{ many(found.messages.would, 'message') }}</b><template v-if="found.a_week"> ({{ found.messages.told }} → {{ found.messages.would }})</template>. {{ found.less.length || found.more.length || moved.length ? '' : 'The same ones, at the same times.' }}</p>
      <p v-if="!found.messages || found.incidents.length !== found.messages.would">{{ many(found.incidents.length, 'message') }} since {{ brief(found.learned_us) }}, {{ weekly }} a week<template v-if="!found.messages">; nothing was watched then that it could be compared with</template>.</p>
      <p v-if="found.held || found.untold" class="dim">{{ [found.held ? many(found.held, 'finding') + ' held by mutes and maintenance, as then' : '', found.untold ? many(found.untold, 'group') + ' of findings too thin to be told' : ''].filter(Boolean).join('; ') }}.</p>
      <ul v-if="found.less.length || moved.length"><li v-for="one in found.less"><b :class="one.real ? 'warn' : ''">Would miss</b> <a class="linked" :href="'/ui/incidents/' + one.id">incident {{ one.id }}</a>{{ one.real ? ' (people called it real)' : '' }}: {{ safe(one.title) }} <span class="dim">{{ brief(one.onset_us) }}</span></li>
        <li v-for="one in moved">Would catch <a class="linked" :href="'/ui/incidents/' + one.id">incident {{ one.id }}</a> {{ lasted(Math.abs(one.later_s) * 1e6) }} {{ one.later_s > 0 ? 'later' : 'sooner' }}.</li></ul>
      <p v-if="to_set.length" class="dim">To watch so: <code>{{ to_set.join(' ') }}</code>, then start the server anew. </p>
      <template v-for="[name, listed] in lists"><template v-if="listed.length"><h3 v-if="name">{{ name }}</h3><ul class="rows incidents"><li v-for="one in listed"><a :href="lines(one)"><i :class="'mark fill-' + tone(one.severity)"></i><span class="what">{{ some(one.services) }} on {{ some(one.nodes) }}</span><span class="n">{{ brief(one.onset_us) }}</span>
        <span class="who"><b :class="tone(one.severity)">{{ one.severity }}</b>{{ safe(one.detectors.join(', ')) }} · after {{ lasted(one.detected_us - one.onset_us) }}<template v-if="one.suspects.length"> · first suspect {{ safe(one.suspects[0].service) }} on {{ safe(one.suspects[0].node) }}</template></span></a></li></ul></template></template></template></div></section>`,
};
