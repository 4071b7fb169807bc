/** The import table of docs/architecture.md. Core decides and touches nothing; adapters touch and decide nothing. */
const kernel = "^src/(model|ports|errors|log)\\.ts$";
const formats = "^src/formats/";
/** One request for many who ask; like a format it touches nothing outside the process. */
const sharing = "^src/sharing/";
const core = "^src/(volume|rotation|sync|extension|reconcile)/";
const wire = "^src/grpc/";
const adapters = [
  "mount",
  "files",
  "kube",
  "metrics",
  "helm",
  "schedule",
  "logging",
  "process",
  "provider/azure",
  "provider/remote",
];
const edges = "^src/(csi|registration|provider-socket|health)/";
const roots = "^src/(main\\.ts$|commands/)";

/** Who may import what; `packages` says which come from outside. */
function room(name, from, may, { builtin = false, packages = [] } = {}) {
  const allowed = [from, ...may, ...packages.map((p) => `^node_modules/${p}(/|$)`)];
  return {
    name,
    severity: "error",
    from: { path: from },
    to: { pathNot: allowed, ...(builtin && { dependencyTypesNot: ["core"] }) },
  };
}

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: { path: "^src" }, to: { circular: true } },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, path: "^src", pathNot: ["\\.json$", "^src/grpc/generated/"] },
      to: {},
    },
    {
      name: "no-dev-dependencies",
      severity: "error",
      from: { path: "^src", pathNot: "^src/(emulator|demo)/" },
      to: { dependencyTypes: ["npm-dev"], pathNot: "^node_modules/@types/" },
    },
    room("kernel", kernel, []),
    room("sharing", sharing, [kernel]),
    // Of Node's modules only the one that computes.
    room("formats", formats, [kernel, "^(node:)?crypto$"], { packages: ["yaml", "fastest-levenshtein", "node-forge"] }),
    room("core", core, [kernel, formats]),
    { name: "core-order", severity: "error", from: { path: "^src/volume/" }, to: { path: "^src/rotation/" } },
    {
      name: "core-order-sync",
      severity: "error",
      from: { path: "^src/sync/" },
      to: { path: "^src/(volume|rotation)/" },
    },
    room("wire", wire, [kernel], { builtin: true, packages: ["@grpc"] }),
    ...adapters.map((name) =>
      room(
        `adapter ${name}`,
        `^src/${name}/`,
        [kernel, formats, sharing, ...(name === "provider/remote" ? [wire] : [])],
        {
          builtin: true,
          packages: {
            mount: ["koffi"],
            process: ["koffi"],
            kube: ["@kubernetes"],
            metrics: ["@prometheus-io"],
            logging: ["pino"],
            "provider/azure": ["@azure", "jose", "p-queue"],
            "provider/remote": ["@grpc", "p-queue"],
          }[name],
        },
      ),
    ),
    room("edges", edges, [kernel, formats, core, wire], { builtin: true }),
    {
      name: "product without emulator",
      severity: "error",
      from: { path: "^src", pathNot: "^src/(emulator|demo)/" },
      to: { path: "^src/(emulator|demo)/" },
    },
    {
      name: "emulator",
      severity: "error",
      from: { path: "^src/(emulator|demo)/" },
      to: { path: "^src/", pathNot: ["^src/(emulator|demo)/", wire] },
    },
    {
      // A node that serves Azure alone does not carry what speaks to other providers.
      name: "provider/remote is loaded when it is needed",
      severity: "error",
      from: { path: "^src", pathNot: "^src/provider/remote/" },
      to: {
        path: "^src/provider/remote/",
        pathNot: "^src/provider/remote/sockets\\.ts$",
        dependencyTypesNot: ["dynamic-import", "type-only"],
      },
    },
    {
      name: "roots are imported by nobody",
      severity: "error",
      from: { path: "^src", pathNot: roots },
      to: { path: roots },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      extensions: [".ts", ".js", ".json"],
    },
  },
};
