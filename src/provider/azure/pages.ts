import { DriverError } from "../../errors.ts";
import { isJsonObject, memberOf, textAt } from "./json.ts";
import type { PipelinePolicy } from "./policy.ts";
import type { VaultAddress } from "./vault-address.ts";
import type { VaultVersion } from "./vault.ts";

/** A page holds 25 versions; a vault keeps no such number of one object. */
const MOST_PAGES = 200;

/** Never leaves the process: it tells `followPage` where the request really goes. */
const LINK_HEADER = "x-page-link";

/**
 * The SDK follows a page's link by itself, but without the caller's signal, its time limit, or a look at the answer. So
 * each page is asked for as a first one, and this policy puts the link in its place.
 */
export const followPage: { policy: PipelinePolicy; position: "perCall" } = {
  policy: {
    name: "followPage",
    sendRequest(request, next) {
      const link = request.headers.get(LINK_HEADER);
      request.headers.delete(LINK_HEADER);
      if (link !== undefined) request.url = link;
      return next(request);
    },
  },
  position: "perCall",
};

/** The options of a call, for the page at a link. */
export function pageOptions<Options extends { readonly requestOptions: object }>(
  options: Options,
  link: string | undefined,
): Options {
  if (link === undefined) return options;
  return { ...options, requestOptions: { ...options.requestOptions, headers: { [LINK_HEADER]: link } } };
}

/** All pages of a list of versions. A link to anywhere but the vault is not followed: the token would go there. */
export async function readPages(
  vault: VaultAddress,
  ask: (link: string | undefined) => Promise<unknown>,
): Promise<readonly VaultVersion[]> {
  const versions: VaultVersion[] = [];
  let link: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const body = await ask(link);
    const value = memberOf(body, "value");
    if (Array.isArray(value)) versions.push(...value.map(toVersion));
    link = textAt(body, "nextLink");
    if (link === undefined || link === "") return versions;
    if (URL.parse(link)?.origin !== new URL(vault.url).origin) throw unusable(vault, "whose next page is elsewhere");
  }
  throw unusable(vault, `of more than ${MOST_PAGES} pages`);
}

function toVersion(item: unknown): VaultVersion {
  const attributes = memberOf(item, "attributes");
  return {
    // Keys have their id under this name.
    id: textAt(item, "id") ?? textAt(item, "kid"),
    attributes: isJsonObject(attributes) ? toAttributes(attributes) : undefined,
  };
}

function toAttributes({ enabled, created }: Readonly<Record<string, unknown>>): VaultVersion["attributes"] {
  return {
    enabled: typeof enabled === "boolean" ? enabled : undefined,
    created: typeof created === "number" ? created : undefined,
  };
}

function unusable({ name }: VaultAddress, what: string): DriverError {
  return new DriverError("ProviderError", `vault ${name} answers with a list of versions ${what}`);
}
