import { readFile } from "node:fs/promises";
import { CommandError, DriverError } from "../errors.ts";
import { parseTemplate } from "../extension/arm-template.ts";
import { createCatalogue } from "../extension/catalogue.ts";
import * as operations from "../extension/operations.ts";
import type { CreateWish, Manner, Wish } from "../extension/operations.ts";
import { printPath } from "../extension/setting-path.ts";
import {
  parseSettings,
  splitParameter,
  splitSetting,
  type Setting,
  type WrittenSetting,
} from "../extension/settings.ts";
import { trustExtraAuthorities } from "../process/trust.ts";
import type { Command } from "./command.ts";
import { connect, type ExtensionMeans } from "./extension-means.ts";
import { readWords, type ExtensionOptions, type Verb } from "./extension-options.ts";
import { printed, type Answer } from "./extension-output.ts";

/** What the tutorial's reader does with `az k8s-extension`, on any cluster: exit code 0 done, 1 failed, 2 usage, 3 not found. */
export const extension: Command = async (args, env) => {
  try {
    await trustExtraAuthorities(env);
    await readWords(args, async (verb, options) => {
      using stop = untilSignal();
      await act(verb, options, await connect(options, env, stop.signal));
    });
    return 0;
  } catch (error) {
    const { message, remedy, exit } = told(error);
    for (const line of message.split("\n")) console.error(`azure-keyvault-csi extension: ${line}`);
    console.error(remedy);
    return exit;
  }
};

/** Ctrl-C ends Helm first, which notes on the release that it was cut off. */
function untilSignal(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = (): void => {
    controller.abort();
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, stop);
    },
  };
}

async function act(verb: Verb, options: ExtensionOptions, means: ExtensionMeans): Promise<void> {
  const manner: Manner = { noWait: options.wait === false, dryRun: options.dryRun === true };
  const answer = await answerOf(verb, { ...options, ...manner }, means);
  if (manner.dryRun) means.progress("Dry run: nothing was changed");
  const text = answer === undefined ? "" : printed(answer, options.output);
  if (text !== "") console.log(text);
}

type Request = ExtensionOptions & Manner;

async function answerOf(verb: Verb, request: Request, means: ExtensionMeans): Promise<Answer | undefined> {
  switch (verb) {
    case "create":
      return operations.create({ ...request, ...(await wishOf(request, means)) }, means);
    case "update":
      return operations.update({ ...request, ...(await wishOf(request, means)) }, means);
    case "deploy":
      return operations.create({ ...request, ...(await deploymentOf(request, means)) }, means);
    case "show":
      return operations.show(request, means);
    case "list":
      return operations.list(request, means);
    case "delete":
      await operations.remove({ ...request, force: request.force === true }, means);
      return undefined;
  }
}

async function wishOf(options: ExtensionOptions, means: ExtensionMeans): Promise<Pick<Wish, "identity" | "settings">> {
  const { configurationSettings: plain = [], configurationProtectedSettings: hidden = [] } = options;
  const written = [
    ...plain.map((word) => splitSetting(word, false)),
    ...(await Promise.all(hidden.map((word) => fromFile(splitSetting(word, true))))),
  ];
  return { identity: options, settings: known(written, means) };
}

type Deployment = Pick<CreateWish, "name" | "identity" | "settings" | "version" | "releaseNamespace">;

async function deploymentOf(options: ExtensionOptions, means: ExtensionMeans): Promise<Deployment> {
  const given = (options.parameters ?? []).map(splitParameter);
  const template = parseTemplate(await readText(options.templateFile), given);
  const { resourceGroup, subscription } = options;
  return {
    ...template,
    identity: { ...template, resourceGroup, subscription },
    settings: known(template.settings, means),
  };
}

function known(written: readonly WrittenSetting[], { chart }: ExtensionMeans): readonly Setting[] {
  const settings = parseSettings(written, createCatalogue(chart));
  for (const { path, unused } of settings)
    if (unused !== undefined) console.error(`setting ${printPath(path)} means nothing here: ${unused}`);
  return settings;
}

/** `name=@file`: the file's content, without the line break that editors put at its end. */
async function fromFile(setting: WrittenSetting): Promise<WrittenSetting> {
  const { name, text } = setting;
  if (!text.startsWith("@")) return setting;
  // Not quoted: it may be a secret that begins with an @.
  const content = await readText(
    text.slice(1),
    `the file of ${name}`,
    "a value that begins with @ has to be in a file",
  );
  return { ...setting, text: content.replace(/\r?\n$/, "") };
}

async function readText(file: string, told = file, remedy = "give the path of a file"): Promise<string> {
  return readFile(file, "utf8").catch((cause: unknown) => {
    const { code = "unknown" } = cause as NodeJS.ErrnoException;
    throw new CommandError(`${told} cannot be read (${code})`, { remedy, exit: 2, cause });
  });
}

/** How a failure is told; of what nobody foresaw nothing is. */
function told(error: unknown): Pick<CommandError, "message" | "remedy" | "exit"> {
  if (error instanceof CommandError) return error;
  if (error instanceof DriverError) return { message: error.message, remedy: "correct that, and try again", exit: 1 };
  return { message: "internal error", remedy: "please report it, with the command and its version", exit: 1 };
}
