import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { makeSelfSigned } from "../../src/emulator/ca.ts";
import { clusterIssuer } from "../../src/emulator/cluster-identity.ts";
import { resolveCloud } from "../../src/provider/azure/cloud.ts";
import { MOST_OBJECTS, parseObjects } from "../../src/provider/azure/objects.ts";
import { parseParameters } from "../../src/provider/azure/parameters.ts";
import { defaultMaxContentBytes, maxFiles } from "../../src/volume/payload.ts";
import { verdicts } from "../../src/errors.ts";
import { applyManifests, runCommands, type Reader } from "../fakes/azure-page-setup.ts";
import { troubles, type Scene } from "../fakes/azure-troubles.ts";
import { patternOf, readSources } from "../fakes/source-texts.ts";
import { codesIn, fillIn, readPage, type PageBlock, type PageTable } from "../fakes/markdown-page.ts";
import { cannotOpenssl, createWorkshop } from "../fakes/pfx.ts";
import { listVolume } from "../fakes/volume-listing.ts";
import { secretObject, startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const markdown = readFileSync("docs/azure.md", "utf8");
const page = readPage(markdown);
const yamlBlocks = page.blocks.filter(({ language }) => language === "yaml");
const isManifest = ({ text }: PageBlock): boolean => /^kind: /m.test(text);
const isSnippet = ({ text }: PageBlock): boolean => text.startsWith("objects: |");
const sectionsOf = (blocks: readonly PageBlock[]): readonly string[] => [
  ...new Set(blocks.map(({ section }) => section)),
];
const blocksIn = (section: string, language: string): readonly PageBlock[] =>
  page.blocks.filter((block) => block.section === section && block.language === language);
const tableWith = (column: string): PageTable => {
  const table = page.tables.find(({ columns }) => columns[0] === column);
  if (table === undefined) throw new Error(`the page has no table of ${column}`);
  return table;
};
/** As Go prints them: kubelet does. */
const codes = new Map(
  Object.entries(status).map(([name, code]) => [
    name.toLowerCase().replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase()),
    code,
  ]),
);
/** Mode, path and content of each file, as a block of the page lists them. */
const listingIn = ({ text }: PageBlock): readonly (readonly string[])[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

const common = "What all of them need";
const workshop = createWorkshop();
let world: World;
let plugin: PluginProcess | undefined;
const known = new Map<string, Buffer>();

beforeAll(async () => {
  world = await startWorld();
  // A class that should name its managed identity, and does not, must not get it all the same.
  const { tenantId } = world.emulator.settings;
  world.emulator.imds.assign({ tenantId, clientId: randomUUID(), objectId: randomUUID() });
  await start();
});
afterAll(async () => {
  workshop.close();
  await plugin?.stop();
  await world.close();
});

/** The plugin, where the emulator's parts of the node and of the cluster are. */
async function start(...more: readonly string[]): Promise<void> {
  await plugin?.stop();
  const { imdsUrl, nmiUrl, kubernetesUrl } = world.emulator.settings;
  const { port } = new URL(kubernetesUrl);
  plugin = await world.startPlugin({
    flags: [
      `--nmi-port=${new URL(nmiUrl).port}`,
      `--token-proxy-url=https://kubernetes.default.svc.cluster.local:${port}`,
      `--token-proxy-ca-file=${join(world.dir, "emulator/serviceaccount/ca.crt")}`,
      ...more,
    ],
    env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: imdsUrl, KUBERNETES_SERVICE_PORT: port },
  });
}

/** Somebody new, whom the page's commands make known. */
function newReader(): Reader {
  const [loginUrl, vaultDomain] = [new URL(world.emulator.settings.entraUrl), world.emulator.settings.vaultSuffix];
  const values = {
    ...Object.fromEntries(
      ["resource-group", "node-resource-group", "scale-set", "location", "cluster", "key-vault-id"].map((name) => [
        name,
        name,
      ]),
    ),
    "identity-resource-id":
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop",
    issuer: clusterIssuer,
    "login-host": loginUrl.host,
    "vault-domain": vaultDomain,
    version: world.emulator.vaults.named("demo-vault").secrets.versions("rotated")[1]?.version ?? "",
  };
  const fresh = { clientId: randomUUID(), objectId: randomUUID(), clientSecret: randomUUID() };
  const { tenantId } = world.emulator.settings;
  return { world, vaultName: "demo-vault", tenantId, ...fresh, values, importCertificate };
}

/** `leaf` under `intermediate` under `root`, in a PFX that has them in another order. */
function importCertificate(name: string): void {
  const root = workshop.issue("root", "P-256");
  const intermediate = workshop.issue("intermediate", "P-256", root);
  const { key, certificate } = workshop.issue("leaf", "P-256", intermediate, "basicConstraints=CA:FALSE");
  const pfx = workshop.pack(key, [certificate, root.certificate, intermediate.certificate], []);
  known.set("PFX, binary", pfx).set("PFX, in base64", Buffer.from(pfx.toString("base64")));
  world.emulator.vaults.named("demo-vault").importCertificate(name, {
    certificatePem: certificate.toString(),
    secret: pfx.toString("base64"),
    contentType: "application/x-pkcs12",
  });
}

async function runSection(section: string, reader: Reader): Promise<void> {
  for (const block of blocksIn(section, "sh")) await runCommands(block, reader);
}

async function filesOf(pod: string): Promise<readonly (readonly string[])[]> {
  const [target = ""] = await world.kubelet.publish(pod);
  return listVolume(target, known);
}

describe("identities", () => {
  const sections = sectionsOf(yamlBlocks.filter(isManifest)).filter((section) => section !== "Clouds");
  const everyPod = listingIn(blocksIn(common, "text")[0] ?? { section: "", language: "", text: "" });

  test("each of the table is a section with a class and a pod", () => {
    const rows = tableWith("identity").rows.map(([cell = ""]) => cell.replace(/^\[(.*)\].*$/, "$1").toLowerCase());
    expect(sections.map((section) => section.toLowerCase())).toEqual(rows);
    expect(everyPod).toHaveLength(1);
  });
  test.each(sections)("%s reads the vault as the page sets it up", async (section) => {
    const reader = newReader();
    await runSection(common, reader);
    await runSection(section, reader);
    const pods = await Promise.all(blocksIn(section, "yaml").map((block) => applyManifests(block, reader)));
    expect(pods.flat()).toHaveLength(1);
    for (const pod of pods.flat()) expect(await filesOf(pod)).toEqual(everyPod);
    // What the next one reads it reads by its own rights.
    world.emulator.vaults.named(reader.vaultName).allow(reader.objectId, {});
  });
  test("every command of the page is played", () => {
    const played = [common, ...sections, "Clouds", ...sectionsOf(yamlBlocks.filter(isSnippet))];
    const typed = sectionsOf(page.blocks.filter(({ language }) => language === "sh"));
    expect(typed.filter((section) => !played.includes(section))).toEqual([]);
  });
  test("without the rights of the common commands none of them does", async () => {
    const reader = newReader();
    await runSection("Service principal", reader);
    const [block] = blocksIn("Service principal", "yaml");
    const [pod = ""] = await applyManifests(
      { ...block, text: block?.text.replaceAll("shop-principal", "no-rights") } as PageBlock,
      reader,
    );
    await expect(world.kubelet.publish(pod)).rejects.toThrow("INNER ERROR CODE: AccessDenied");
  });
});

describe("clouds", () => {
  const rows = tableWith("name").rows.flatMap(([names, ...addresses]) =>
    codesIn(names).map((name) => ({ name, addresses: addresses.flatMap(codesIn) })),
  );
  test.each(rows.filter(({ addresses }) => addresses.length > 0))(
    "$name is $addresses",
    async ({ name, addresses }) => {
      const { authorityHost, vaultSuffix } = await resolveCloud({ name, file: "", kubeletRoot: "/var/lib/kubelet" });
      expect([new URL(authorityHost).host, vaultSuffix]).toEqual(addresses);
    },
  );
  test("the cloud file, and the class that names it, lead to a cloud with AD FS", async () => {
    world.emulator.vaults.create("third-vault", "adfs");
    const there = { ...newReader(), tenantId: "adfs", vaultName: "third-vault" };
    const file = fillIn(blocksIn("Clouds", "json")[0]?.text ?? "", there.values);
    const reader = { ...there, values: { ...there.values, "cloud-file": file } };
    for (const section of [common, "Service principal", "Clouds"]) await runSection(section, reader);
    const [block] = blocksIn("Clouds", "yaml").filter(isManifest);
    expect(block).toBeDefined();
    const [pod = ""] = block === undefined ? [] : await applyManifests(block, reader);
    expect(await filesOf(pod)).toEqual([["0644", "DemoSecret", "MyExampleSecret"]]);
  });
});

describe.skipIf(cannotOpenssl)(`objects${cannotOpenssl}`, () => {
  /** Each list of objects, and the list of files that follows it. */
  const snippets = page.blocks.flatMap((block, index) => {
    const next = page.blocks[index + 1];
    return isSnippet(block) && next?.language === "text" ? [{ ...block, listing: listingIn(next), index }] : [];
  });
  const mount = async (pod: string, text: string): Promise<readonly (readonly string[])[]> => {
    const { objects } = parse(fillIn(text, newReader().values)) as { objects: string };
    await world.createPod({ pod, objects });
    return filesOf(pod);
  };

  beforeAll(async () => {
    const reader = newReader();
    const { objectId } = world.emulator.settings.demo;
    await runSection(common, { ...reader, objectId });
    for (const section of sectionsOf(snippets)) await runSection(section, reader);
  });

  test("each list of objects is followed by its files", () => {
    expect(snippets).toHaveLength(yamlBlocks.filter(isSnippet).length);
    expect(snippets.length).toBeGreaterThan(5);
  });
  test.each(snippets)("of $section ($index) are the files that the page lists", async ({ text, listing, index }) => {
    expect(await mount(`objects-${index}`, text)).toEqual(listing);
  });
  test("with separate files, a certificate is the files that the page lists", async () => {
    const [listing] = blocksIn("PEM, PFX, and chains", "text").slice(1).map(listingIn);
    await start("--write-cert-and-key-in-separate-files");
    expect(await mount("separate", blocksIn("A certificate, three ways", "yaml")[2]?.text ?? "")).toEqual(listing);
    await start();
  });
});

describe("tables", () => {
  const parameters = tableWith("parameter").rows;
  const fields = tableWith("field").rows;
  const nameOf = ([cell]: readonly string[]): string => codesIn(cell)[0] ?? "";
  const volume = {
    id: "v",
    targetPath: "/t",
    kubeletRoot: "/k",
    className: "c",
    pod: { namespace: "n", name: "p", uid: "u" },
  };
  const required = { keyvaultName: "kv1", tenantID: "t" };
  const valuesOf = (rows: PageTable["rows"]) =>
    rows.flatMap((row) => codesIn(row[2]).map((value) => [nameOf(row), value] as const));

  test("the parameters are those that the program reads", () => {
    const ofClass = parametersRead(volume).filter((key) => !key.startsWith("csi.storage.k8s.io/"));
    expect(ofClass.sort()).toEqual(parameters.map(nameOf).sort());
  });
  test.each(valuesOf(parameters))("%s takes %s", (name, value) => {
    expect(parseParameters({ volume, parameters: { ...required, [name]: value } })).toBeDefined();
  });
  test.each(parameters.map(nameOf).filter((name) => /^use[A-Z]/.test(name)))("%s takes nothing else", (name) => {
    const parse = () => parseParameters({ volume, parameters: { ...required, [name]: "yes" } });
    expect(parse).toThrow(`failed to parse ${name} flag`);
  });
  test("the fields are those that the program reads", () => {
    const source = readFileSync("src/provider/azure/objects.ts", "utf8");
    const read = [...source.matchAll(/\b(?:read|entries\.get)\("(\w+)"\)/g)].map(([, name]) => name);
    expect(read.filter((name) => name !== "array").sort()).toEqual(fields.map(nameOf).sort());
  });
  test.each(valuesOf(fields))("%s takes %s", (name, value) => {
    expect(parseObjects(secretObject("a", { [name]: value }))).toHaveLength(1);
  });
  test.each(fields.map((row) => [nameOf(row), codesIn(row[1])[0]] as const).filter(([, value]) => value !== undefined))(
    "%s is %s by default",
    (name, value = "") => {
      expect(parseObjects(secretObject("a", { [name]: value }))).toEqual(parseObjects(secretObject("a")));
    },
  );
});

test("its links lead to headings and files that are there", () => {
  const anchors = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  const links = [...markdown.matchAll(/\]\(([^):]+)\)/g)].map(([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(10);
  const isThere = (link: string): boolean =>
    link.startsWith("#") ? anchors.includes(link.slice(1)) : existsSync(join("docs", link.replace(/#.*/, "")));
  expect(links.filter((link) => !isThere(link))).toEqual([]);
});

test("the limits are the program's", () => {
  const bytes = `${defaultMaxContentBytes / 2 ** 20} MiB`;
  expect(markdown).toContain(`Limits of a volume: ${MOST_OBJECTS} objects, ${maxFiles} files, ${bytes}.`);
});

test("the codes are those that the program answers with, and those that kubelet asks again after", () => {
  const numbers = tableWith("code").rows.map(([cell]) => codesIn(cell).map((name) => codes.get(name)));
  const answered = Object.values(verdicts);
  const sorted = (list: readonly unknown[]): unknown[] => [...new Set(list)].sort();
  expect(sorted(numbers.flat())).toEqual(sorted(answered.map(({ code }) => code)));
  const busy = answered.filter(({ final }) => !final).map(({ code }) => code);
  expect(sorted(numbers.at(-1) ?? [])).toEqual(sorted(busy));
});

describe("values of the chart", () => {
  const chart = parse(readFileSync("charts/azure-keyvault-csi/values.yaml", "utf8")) as object;
  const blocks = yamlBlocks.filter((block) => !isManifest(block) && !isSnippet(block));

  test.each(blocks)("of $section exist", ({ text }) => {
    expect(unknownKeys(parse(text), chart)).toEqual([]);
  });
  const defaults = [...markdown.matchAll(/`((?:linux|secrets-store-csi-driver)\.[\w.]+): (\w+)`/g)];
  test.each(defaults.map(([, path = "", value]) => ({ path, value })))(
    "$path is $value by default",
    ({ path, value }) => {
      const found = path.split(".").reduce<unknown>((at, key) => (isMap(at) ? at[key] : undefined), chart);
      expect(String(found)).toBe(value);
    },
  );
  test("bring the files where variables and class say", () => {
    for (const { text } of blocks.filter((block) => block.text.includes("volumeMounts"))) {
      const { linux } = (parse(text) as Record<string, DriverValues>)["secrets-store-csi-driver"] ?? {};
      const files = linux?.env.map(({ value }) => value).filter((value) => value.startsWith("/")) ?? [];
      expect(files.map((file) => dirname(file))).toEqual(linux?.volumeMounts.map(({ mountPath }) => mountPath));
      expect(linux?.volumeMounts.map(({ name }) => name)).toEqual(linux?.volumes.map(({ name }) => name));
    }
    const [variable, file] = ["value", "cloudEnvFileName"].map(
      (key) => new RegExp(`${key}: (/\\S+stack.json)`).exec(markdown)?.[1],
    );
    expect([variable, variable]).toEqual([file, expect.any(String)]);
  });
});

describe("troubleshooting", () => {
  const texts = tableWith("text").rows.flatMap(([cell]) => codesIn(cell));
  let scene: Scene;
  let sources: string;
  beforeAll(async () => {
    world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "MyExampleSecret");
    const { certificatePem } = await makeSelfSigned("CN=any", "P-256");
    scene = { world, certificatePem };
    sources = await readSources();
  });

  test("each error that is provoked here is on the page, and none is there twice", () => {
    expect(Object.keys(troubles).filter((text) => !texts.includes(text))).toEqual([]);
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
  });
  test.each(texts.filter((text) => text in troubles))("the program says: %s", async (text) => {
    expect(await troubles[text]?.(scene)).toMatch(patternOf(text));
  });
  test.each(texts.filter((text) => !(text in troubles)))("the sources say: %s", (text) => {
    expect(patternOf(text).test(sources)).toBe(true);
  });
  test("what nobody says is found missing", () => {
    expect(patternOf("the vault <name> is on holiday").test(sources)).toBe(false);
  });
});

/** The values of the page that bring files into the plugin's container. */
interface DriverValues {
  readonly linux: {
    readonly env: readonly { readonly value: string }[];
    readonly volumes: readonly { readonly name: string }[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  };
}

/** What is read of a class that has what is required, by the older name of the tenant, so that both are read. */
function parametersRead(volume: Parameters<typeof parseParameters>[0]["volume"]): string[] {
  const read = new Set<string>();
  const has: Record<string, string> = { keyvaultName: "kv1", tenantId: "t" };
  const parameters = new Proxy(has, {
    getOwnPropertyDescriptor: (target, key) => {
      read.add(String(key));
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
  });
  parseParameters({ volume, parameters });
  return [...read];
}

/** Paths of keys that the chart does not have; what is in lists, and in maps that are empty there, is the user's. */
function unknownKeys(values: unknown, chart: unknown, path = ""): readonly string[] {
  if (!isMap(values) || !isMap(chart) || Object.keys(chart).length === 0) return [];
  return Object.entries(values).flatMap(([key, value]) =>
    key in chart ? unknownKeys(value, chart[key], `${path}.${key}`) : [`${path}.${key}`],
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
