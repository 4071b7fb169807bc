import { build } from "esbuild";

/** Bundles programs the way that dist/ is made: one file each, koffi outside since it carries a native library. */
export async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
  define: Readonly<Record<string, string>> = {},
): Promise<void> {
  await build({
    entryPoints: { ...entryPoints },
    outdir,
    define: { ...define },
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
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
