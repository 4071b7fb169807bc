import { build, type Plugin } from "esbuild";

/** Bundles programs the way that dist/ is made: one file each, koffi outside since it carries a native library. */
export async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
  define: Readonly<Record<string, string>> = {},
): Promise<void> {
  await build({
    entryPoints: { ...entryPoints },
    outdir,
    // The SDK asks of each request whether its body is a form, and to name that class is to load undici. Nobody sends a form.
    define: { ...define, FormData: "undefined" },
    plugins: [httpWithoutUndici],
    bundle: true,
    splitting: true,
    // Names stay as they are: stacks can be read, and nothing has to give functions their names back while it runs.
    minifyWhitespace: true,
    minifySyntax: true,
    format: "esm",
    platform: "node",
    target: "node24",
    external: ["koffi"],
    logLevel: "warning",
    // Packages in CommonJS ask for Node's own modules by require.
    banner: {
      js: 'import{createRequire as __cr}from"node:module";import{fileURLToPath as __fu}from"node:url";import{dirname as __dn}from"node:path";const require=__cr(import.meta.url),__filename=__fu(import.meta.url),__dirname=__dn(__filename);',
    },
  });
}

/**
 * Node's http as its object. To import it by name, Node reads each of its properties, and WebSocket is one that loads all of
 * undici: 30 ms of the start and some MiB, for what nobody here uses.
 */
const httpWithoutUndici: Plugin = {
  name: "http-without-undici",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(node:)?http$/ }, () => ({ path: "http", namespace: "builtin" }));
    onLoad({ filter: /^http$/, namespace: "builtin" }, () => ({
      contents: 'module.exports = process.getBuiltinModule("node:http")',
    }));
  },
};
