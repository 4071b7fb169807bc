import { BlockList, isIP } from "node:net";
import { DriverError } from "../../errors.ts";

/** The proxy that the environment names for https, and what goes through it. */
export interface Proxy {
  /** As sockets take it: an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether it is spoken to by TLS. */
  readonly isTls: boolean;
  /** User and password as the header holds them: for the connection alone, never told. */
  readonly authorization: string | undefined;
  /** Scheme, host and port: what may be told. */
  readonly name: string;
  /** The environment variable that says so. */
  readonly variable: string;
  serves(host: string, port: string): boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Rule = (host: string, port: string) => boolean;

/**
 * Reads HTTPS_PROXY and NO_PROXY as Go's net/http does (the established provider's rules, and its users' values; Node's own
 * differ): upper case first, `proxy:3128` means http, nothing local goes through. What cannot be used is told, never
 * ignored, and never quoted: it may hold a password. Throws InvalidRequest.
 */
export function parseProxy(env: Environment): Proxy | undefined {
  const [variable, text] = firstSet(env, ["HTTPS_PROXY", "https_proxy"]);
  if (text === "") return undefined;
  const url = parseUrl(variable, text);
  const around = [isLocal, ...parseNoProxy(firstSet(env, ["NO_PROXY", "no_proxy"])[1])];
  return {
    ...endpointOf(url),
    name: `${url.protocol}//${url.host}`,
    variable,
    serves: (host, port) => !around.some((rule) => rule(withoutBrackets(host.toLowerCase()), port)),
  };
}

function endpointOf(url: URL): Pick<Proxy, "host" | "port" | "isTls" | "authorization"> {
  const isTls = url.protocol === "https:";
  const credentials = [url.username, url.password].map(decodeURIComponent).join(":");
  return {
    host: withoutBrackets(url.hostname),
    port: Number(url.port || (isTls ? 443 : 80)),
    isTls,
    authorization: credentials === ":" ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`,
  };
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

function firstSet(env: Environment, names: readonly string[]): readonly [name: string, text: string] {
  const entries = names.map((name) => [name, env[name]?.trim() ?? ""] as const);
  return entries.find(([, text]) => text !== "") ?? ["", ""];
}

function parseUrl(variable: string, text: string): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url !== null && !/^https?:$/.test(url.protocol))
    throw unusable(variable, "only proxies by http:// and https:// are supported");
  // A bare / ? or # in a password ends the host for every parser, and what stands before it would be told as its name.
  if (url !== null && `${url.pathname}${url.search}${url.hash}` === "/" && isDecodable(url)) return url;
  throw unusable(variable, "write it as http://user:password@host:port, user and password percent-encoded");
}

function isDecodable({ username, password }: URL): boolean {
  try {
    [username, password].forEach(decodeURIComponent);
    return true;
  } catch {
    return false;
  }
}

function unusable(variable: string, remedy: string): DriverError {
  return new DriverError("InvalidRequest", `${variable} names no proxy that can be used: ${remedy}`);
}

const isLocal: Rule = (host) => host === "localhost" || loopback.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function parseNoProxy(text: string): readonly Rule[] {
  const entries = text.split(",").map((entry) => entry.trim().toLowerCase());
  return entries.filter((entry) => entry !== "").map(parseEntry);
}

/** `*`, `10.0.0.0/8`, `10.0.0.1:443`, `example.com` (and all below it), `.example.com` (only below), each with a port or not. */
function parseEntry(entry: string): Rule {
  if (entry === "*") return () => true;
  const [, base = "", prefix = ""] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (isIP(base)) return subnetRule(base, Number(prefix));
  const { name, port: only } = splitPort(entry);
  const names = isIP(name) ? subnetRule(name, isIP(name) === 6 ? 128 : 32) : domainRule(name);
  return (host, port) => names(host, port) && (only === "" || only === port);
}

function splitPort(entry: string): { name: string; port: string } {
  const [, bracketed, plain, port = ""] = /^(?:\[(.+)\]|([^:]+))(?::(\d*))?$/.exec(entry) ?? [];
  return { name: bracketed ?? plain ?? entry, port };
}

function subnetRule(base: string, prefix: number): Rule {
  const family = isIP(base) === 6 ? "ipv6" : "ipv4";
  if (prefix > (family === "ipv6" ? 128 : 32)) return () => false;
  const subnet = new BlockList();
  subnet.addSubnet(base, prefix, family);
  return (host) => isIP(host) !== 0 && subnet.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");
}

function domainRule(name: string): Rule {
  const domain = name.replace(/^\*?\./, "");
  return (host) => host.endsWith(`.${domain}`) || (host === domain && domain === name);
}
