#!/usr/bin/env -S node --disable-sigusr1
import { buildInfo } from "./commands/build-info.ts";
import type { Command } from "./commands/command.ts";

/** Commands are imported when they are called, so that each carries only its own weight. */
const commands: Readonly<Record<string, { readonly help: string; readonly load: () => Promise<Command> }>> = {
  node: {
    help: "the plugin on a Kubernetes node: serves kubelet until a signal",
    load: async () => (await import("./commands/node.ts")).node,
  },
  provider: {
    help: "the Azure provider alone, for the established driver: serves azure.sock until a signal",
    load: async () => (await import("./commands/provider.ts")).provider,
  },
  crds: {
    help: "brings the cluster's CustomResourceDefinitions to those of this version, and ends",
    load: async () => (await import("./commands/crds.ts")).crds,
  },
  extension: {
    help: "create, show, update, delete, list or deploy the extension on a cluster, by Helm",
    load: async () => (await import("./commands/extension.ts")).extension,
  },
};

const [name = "help", ...args] = process.argv.slice(2);
const code = await run(name);
// Not left to the last handle: a look-up by the system's resolver cannot be ended, and would hold the process for seconds.
process.exit(code);

async function run(command: string): Promise<number> {
  const known = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (known) return (await known.load())(args, process.env);
  if (["help", "--help", "-h", "-help"].includes(command)) {
    console.log(help());
    return 0;
  }
  console.error(`azure-keyvault-csi: there is no command ${JSON.stringify(command)}\nTry: azure-keyvault-csi help`);
  return 2;
}

function help(): string {
  const rows = Object.entries(commands).map(([command, entry]) => `  ${command.padEnd(10)}${entry.help}`);
  return [
    `azure-keyvault-csi ${buildInfo.BuildVersion}: secrets, keys and certificates from Azure Key Vault as files in Kubernetes pods`,
    "",
    "Usage: azure-keyvault-csi <command> [flags]",
    "",
    ...rows,
    "",
    "azure-keyvault-csi <command> --help tells the flags of a command.",
  ].join("\n");
}
