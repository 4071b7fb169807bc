import { loadPackageDefinition } from "@grpc/grpc-js";
import { fromJSON, type Options } from "@grpc/proto-loader";

/** The same options as in scripts/generate.ts: types and values agree. */
const options: Options = { longs: String, enums: String, defaults: true, oneofs: true };

/** A package from descriptors that were generated and committed: nothing is parsed at start. */
export function load(json: unknown): unknown {
  return loadPackageDefinition(fromJSON(json as Parameters<typeof fromJSON>[0], options));
}
