import { Command as Program, CommanderError, InvalidArgumentError, Option } from "commander";
import { CommandError } from "../errors.ts";
import { nearest } from "../formats/nearest.ts";
import { formats, type OutputFormat } from "./extension-output.ts";

/** What the words of a command line say; each verb knows some of it. */
export interface ExtensionOptions {
  readonly name: string;
  readonly clusterName?: string;
  readonly resourceGroup?: string;
  readonly subscription?: string;
  readonly extensionType?: string;
  readonly releaseTrain?: string;
  readonly releaseNamespace?: string;
  readonly version?: string;
  readonly autoUpgradeMinorVersion?: boolean;
  readonly configurationSettings?: readonly string[];
  readonly configurationProtectedSettings?: readonly string[];
  readonly templateFile: string;
  readonly parameters?: readonly string[];
  readonly wait?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly output: OutputFormat;
  readonly kubeconfig: string;
  readonly kubeContext: string;
}

/** What there is to do, with the flags of each. */
const verbs = {
  create: {
    help: "install the extension; one of that name is brought to this version, CRDs included",
    flags: ["name", "cluster", "type", "settings", "place", "wait", "dry"],
  },
  show: { help: "print the extension", flags: ["name", "cluster"] },
  update: { help: "change settings; the others stay", flags: ["name", "cluster", "settings", "yes", "wait", "dry"] },
  delete: {
    help: "remove the extension; CRDs and SecretProviderClasses stay",
    flags: ["name", "cluster", "force", "yes", "wait", "dry"],
  },
  list: { help: "print the extensions of the cluster: one or none", flags: ["cluster"] },
  deploy: { help: "install the extension that an ARM template describes", flags: ["template", "wait", "dry"] },
} as const;

export type Verb = keyof typeof verbs;
type Group = (typeof verbs)[Verb]["flags"][number] | "all";

function option(flags: string, help: string): Option {
  return new Option(flags, help);
}

const groups: Readonly<Record<Group, () => readonly Option[]>> = {
  name: () => [option("-n, --name <name>", "name of the extension")],
  cluster: () => [
    option("-c, --cluster-name <name>", "what you call the cluster of this kubeconfig"),
    option("-g, --resource-group <name>", "its resource group"),
    option("-t, --cluster-type <type>", "connectedClusters").choices(["connectedClusters"]),
    option("--subscription <id>", "its subscription, for the id that is printed"),
  ],
  type: () => [option("--extension-type <type>", "Microsoft.AzureKeyVaultSecretsProvider, which is the default")],
  settings: () => [
    option("--configuration-settings <name=value...>", "settings; also --config. null takes one back"),
    option("--configuration-protected-settings <name=value...>", "settings that are never shown; also name=@file"),
    option("--release-train <name>", "kept and shown; there is one train"),
    option("--version <version>", "must be the one that this program brings"),
    option("--auto-upgrade-minor-version <bool>", "kept and shown; nothing upgrades by itself").argParser(parseBoolean),
  ],
  place: () => [
    option("--scope <scope>", "cluster").choices(["cluster"]),
    option("--release-namespace <name>", "kube-system by default"),
  ],
  template: () => [
    option("-n, --name <name>", "name of the deployment; nothing keeps it"),
    option("-g, --resource-group <name>", "resource group of the cluster"),
    option("--subscription <id>", "its subscription, for the id that is printed"),
    option("-f, --template-file <file>", "the template"),
    option("-p, --parameters <name=value...>", "parameters of the template"),
  ],
  force: () => [option("--force", "although pods still use the driver, or another operation was cut off")],
  yes: () => [option("-y, --yes", "taken; nothing is asked")],
  wait: () => [option("--no-wait", "do not wait until it is ready")],
  dry: () => [option("--dry-run", "ask Helm and the cluster what they would say, and change nothing")],
  all: () => [
    option("-o, --output <format>", "json, table, yaml or none").choices(formats).default("json"),
    option("--kubeconfig <file>", "the cluster; without it as kubectl finds it").default("", "as kubectl"),
    option("--kube-context <name>", "its context").default("", "the current one"),
  ],
};

/** Longer names of az for the same flags. */
const aliases: Readonly<Record<string, string>> = {
  "--config": "--configuration-settings",
  "--config-settings": "--configuration-settings",
  "--config-protected": "--configuration-protected-settings",
  "--config-protected-settings": "--configuration-protected-settings",
  "--auto-upgrade": "--auto-upgrade-minor-version",
};

type Act = (verb: Verb, options: ExtensionOptions) => Promise<void>;

/** Reads the words and acts; help is printed. Throws CommandError for words that cannot be meant. */
export async function readWords(words: readonly string[], act: Act): Promise<void> {
  const program = new Program("azure-keyvault-csi extension").description(
    "The extension on the cluster of your kubeconfig, by Helm.",
  );
  for (const [name, { help, flags }] of Object.entries(verbs)) {
    const command = program.command(name).description(help).allowExcessArguments(false);
    for (const group of [...flags, "all"] as const) groups[group]().forEach((each) => command.addOption(each));
    command.action((options: ExtensionOptions) => {
      refuseMissing(name as Verb, flags, options);
      return act(name as Verb, options);
    });
  }
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({ outputError: () => undefined });
  try {
    await program.parseAsync(words.length === 0 ? ["--help"] : words.map(unaliased), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw misread(error, program, words[0]);
  }
}

/** Asked here and not of commander, which would say it before it names a flag that is mistyped. */
function refuseMissing(verb: Verb, flags: readonly Group[], options: Partial<ExtensionOptions>): void {
  const missing = [
    ...(flags.includes("name") && options.name === undefined ? ["--name"] : []),
    ...(flags.includes("template") && options.templateFile === undefined ? ["--template-file"] : []),
  ];
  if (missing.length === 0) return;
  throw new CommandError(`${missing.join(", ")} is missing`, {
    remedy: `Try: azure-keyvault-csi extension ${verb} --help`,
    exit: 2,
  });
}

function unaliased(word: string): string {
  const [flag = ""] = word.split("=", 1);
  return `${(Object.hasOwn(aliases, flag) ? aliases[flag] : undefined) ?? flag}${word.slice(flag.length)}`;
}

function misread({ code, message }: CommanderError, program: Program, verb = ""): CommandError {
  const command = program.commands.find((each) => each.name() === verb) ?? program;
  const remedy = `Try: azure-keyvault-csi extension ${command === program ? "" : `${verb} `}--help`;
  const [line = ""] = message.replace(/^error: /, "").split("\n");
  // After the = stands a value, which may be a secret.
  const [wrong = ""] = (/'([^']*)'/.exec(line)?.[1] ?? "").split("=", 1);
  const problems: Readonly<Record<string, () => string>> = {
    "commander.unknownOption": () => `${wrong} is not a flag of ${verb}, the nearest is ${nearestFlag(wrong, command)}`,
    "commander.excessArguments": () =>
      `${verb} takes flags alone, and there is a word more: a value with a blank in it has to be quoted`,
    "commander.unknownCommand": () => `there is no ${verb}, the nearest is ${nearest(verb, Object.keys(verbs)) ?? ""}`,
  };
  return new CommandError(problems[code]?.() ?? line, { remedy, exit: 2 });
}

function nearestFlag(wrong: string, { options }: Program): string {
  const known = options.flatMap(({ long }) => long ?? []);
  return nearest(wrong, known) ?? "--help";
}

function parseBoolean(text: string): boolean {
  if (!/^(true|false)$/i.test(text)) throw new InvalidArgumentError("It is true or false.");
  return text.toLowerCase() === "true";
}
