const defaultPageSize = 25;

/** The page of a list that a URL asks for, with the link to the next one; links are opaque to clients. */
export function page(items: readonly object[], url: string): { value: readonly object[]; nextLink: string | null } {
  const here = new URL(url);
  const size = Number(here.searchParams.get("maxresults") ?? defaultPageSize);
  const start = Number(here.searchParams.get("$skiptoken") ?? 0);
  const end = start + size;
  if (end >= items.length) return { value: items.slice(start), nextLink: null };
  here.searchParams.set("$skiptoken", String(end));
  return { value: items.slice(start, end), nextLink: here.href };
}
