// A template's text; what varies in it stands on a ground of its own.
import { parts } from "devmesh/text.js";

export default {
  props: { text: String },
  computed: {
    parts() {
      return parts(this.text);
    },
  },
  template: `<span class="template"><template v-for="part in parts"><i v-if="part.varies" class="hole">{{ part.text }}</i><template v-else>{{ part.text }}</template></template></span>`,
};
