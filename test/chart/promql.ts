import { parser } from "@prometheus-io/lezer-promql";
import type { Samples } from "../fakes/scrape.ts";

/** Labels that Prometheus adds to whatever it scrapes through a PodMonitor. */
const ofTargets: readonly string[] = ["pod", "namespace", "container", "job", "instance", "endpoint"];

interface Part {
  readonly kind: string;
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** The parts of a query, outer ones first. */
function partsOf(query: string): readonly Part[] {
  const parts: Part[] = [];
  parser.parse(query).iterate({
    enter: ({ name, from, to, type }) => {
      parts.push({ kind: type.isError ? "error" : name, text: query.slice(from, to), from, to });
    },
  });
  return parts;
}

/** Why a query would not work, or would show nothing, with these samples. */
export function problemsOf(query: string, samples: Samples): readonly string[] {
  const parts = partsOf(query);
  const broken = parts.find(({ kind }) => kind === "error");
  if (broken !== undefined) return [`no PromQL at ${broken.from}`];
  const unknown = metricsIn(parts).filter((metric) => !samples.has(metric));
  if (unknown.length > 0) return unknown.map((metric) => `no metric ${metric}`);
  const selecting = partsNamed(parts, "VectorSelector").flatMap((selector) => within(selector, parts, samples));
  const grouping = partsNamed(parts, "AggregateExpr").flatMap((aggregate) => within(aggregate, parts, samples));
  return [...selecting, ...grouping];
}

/** Labels of the series that a query gives. */
export function labelsOf(query: string, samples: Samples): ReadonlySet<string> {
  const parts = partsOf(query);
  const [grouping] = partsNamed(parts, "GroupingLabels");
  return new Set(grouping === undefined ? available(parts, samples) : labelNames(grouping, parts));
}

/** Labels that are named in a part of a query and that no metric there has. */
function within(part: Part, parts: readonly Part[], samples: Samples): readonly string[] {
  const inner = parts.filter(({ from, to }) => from >= part.from && to <= part.to);
  const known = available(inner, samples);
  return labelNames(part, parts)
    .filter((label) => !known.includes(label))
    .map((label) => `no label ${label} in ${part.text}`);
}

function available(parts: readonly Part[], samples: Samples): readonly string[] {
  return [...ofTargets, ...metricsIn(parts).flatMap((metric) => [...(samples.get(metric) ?? [])])];
}

function metricsIn(parts: readonly Part[]): readonly string[] {
  return partsNamed(parts, "Identifier").map(({ text }) => text);
}

function labelNames({ from, to }: Part, parts: readonly Part[]): readonly string[] {
  return partsNamed(parts, "LabelName")
    .filter((label) => label.from >= from && label.to <= to)
    .map(({ text }) => text);
}

function partsNamed(parts: readonly Part[], wanted: string): readonly Part[] {
  return parts.filter(({ kind }) => kind === wanted);
}
