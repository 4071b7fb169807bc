/** Writes src/grpc/generated from proto/: descriptors as JSON for the program, types for its authors. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import protobuf from "protobufjs";

const protos = {
  csi: "proto/csi.proto",
  health: "proto/health.proto",
  pluginregistration: "proto/pluginregistration.proto",
  provider: "proto/provider.proto",
};
const out = "src/grpc/generated";
/** The same options as in src/grpc/load.ts. */
const options = ["--longs=String", "--enums=String", "--defaults", "--oneofs"];

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const [name, file] of Object.entries(protos)) {
  const json = protobuf.loadSync(file).toJSON({ keepComments: false });
  writeFileSync(`${out}/${name}.json`, `${JSON.stringify(json)}\n`);
}
execFileSync(
  "node_modules/.bin/proto-loader-gen-types",
  [...options, "--grpcLib=@grpc/grpc-js", "--importFileExtension=.ts", "-O", out, ...Object.values(protos)],
  { stdio: "inherit" },
);
