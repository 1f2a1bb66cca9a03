// The services, or one of them.
import Said from "devmesh/said.js";
import Spark from "devmesh/spark.js";
import { count, hint, safe, short } from "devmesh/text.js";

export default {
  props: { data: Object },
  components: { Said, Spark },
  methods: { count, hint, safe, short },
  template: `
  <article tabindex="-1" class="content">
    <p v-if="data.error" class="empty">{{ data.error }} {{ hint(data.hint) }} <a class="linked" href="/ui/services">All services</a></p>
    <template v-else-if="data.service"><h1>{{ safe(data.service) }}</h1><Said :data="data" :name="data.service" of="service"/>
      <p class="under"><a :href="'/ui/templates?service=' + encodeURIComponent(data.service)">Its templates</a><a href="/ui/services">All services</a></p></template>
    <template v-else><h1>Services</h1><p v-if="!data.services.length" class="empty">No service has spoken yet: they are named by the first lines that come in.</p>
      <table v-else class="sheet"><thead><tr><th>Service</th><th>Last day</th><th class="n">Events</th><th class="n">Errors</th><th class="n">Warnings</th><th class="n wide">Of all time</th></tr></thead>
        <tbody><tr v-for="one in data.services"><td><a :href="'/ui/services?service=' + encodeURIComponent(one.name)">{{ safe(one.name) }}</a></td><td><Spark v-if="one.trend" :counts="one.trend" label="The last day"/></td><td class="n">{{ short(one.day) }}</td>
          <td class="n" :class="{err: one.errors}">{{ one.errors ? short(one.errors) : '' }}</td><td class="n" :class="{warn: one.warnings}">{{ one.warnings ? short(one.warnings) : '' }}</td><td class="n wide">{{ count(one.events) }}</td></tr></tbody></table>
      <p v-if="data.cursor" class="under"><a :href="'/ui/services?after=' + encodeURIComponent(data.cursor)">Further services</a></p></template>
  </article>`,
};
