// How services look by type, in a field of 24 by 24; whoever has another type is a circle. The word stands beside it.
export const OTHER = "other";
export const SHAPES = {
  database: "M3 6c0-5 18-5 18 0v12c0 5-18 5-18 0zM3 6c0 5 18 5 18 0",
  cache: "M12 1L23 12L12 23L1 12z",
  queue: "M6 3h12l5 9l-5 9H6l-5-9z",
  proxy: "M12 2L23 21H1z",
  api: "M5 3h14a3 3 0 0 1 3 3v12a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3z",
  worker: "M12 1l11 8.5l-4.2 12.5H5.2L1 9.5z",
  storage: "M2 3h20v18H2zM2 12h20",
  monitoring: "M1 12c5-10 17-10 22 0c-5 10-17 10-22 0z",
  dns: "M2 4h13l8 8l-8 8H2z",
  agent: "M9 2h6v7h7v6h-7v7H9v-7H2V9h7z",
  inference: "M12 1l3 8l8 3l-8 3l-3 8l-3-8l-8-3l8-3z",
  backup: "M7 2h10v9h6L12 23L1 11h6z",
  mail: "M2 5h20v14H2zM2 5l10 8l10-8",
  "container runtime": "M2 7l10-5l10 5v10l-10 5l-10-5z",
  host: "M2 3h20v8H2zM2 13h20v8H2z",
  [OTHER]: "M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z",
};
export const kind_of = (one) => (one.kind === "host" ? "host" : Object.hasOwn(SHAPES, one.type) ? one.type : OTHER);

// What names one in addresses: services by their bare name, where that could mean nothing else.
export const key = (one) => (one.kind === "host" || /^(host|service):/.test(one.name) ? `${one.kind}:${one.name}` : one.name);
export const link = (one) => `/ui/graph?of=${encodeURIComponent(key(one))}`;
