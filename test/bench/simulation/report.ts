import type { Settings } from "./settings.ts";
import type { Asked, Story } from "./simulate.ts";

const HOUR_S = 3600;

/**
 * What a cluster asks per hour, and what the pair would: it fetches each object of each pod once in an interval, with a
 * token for each pod; its driver reads by watches and writes each pod's status (spec: pair-measured, section 6: of 40
 * pods with 10 secrets a pass costs 440 vault requests with their challenges, 120 token requests and 80 API requests).
 */
export function report(settings: Settings, story: Story): string {
  const { nodes, pods, classes, objects, vaults, intervalMs, limit } = settings;
  const passes = (HOUR_S * 1000) / intervalMs;
  const pair = { vault: pods * (objects + 1) * passes, tokens: pods * 3 * passes, api: pods * 2 * passes };
  const { rotating, starting } = story;
  const rows: readonly (readonly [string, number, number])[] = [
    ["vault requests", perHour(rotating, rotating.azure.vaultRequests), pair.vault],
    ["  refused as too many", perHour(rotating, rotating.azure.refused), Number.NaN],
    ["token requests", perHour(rotating, rotating.azure.tokenRequests), pair.tokens],
    ["API reads", perHour(rotating, rotating.kubernetes.reads), Number.NaN],
    ["API writes", perHour(rotating, rotating.kubernetes.writes), pair.api],
  ];
  return [
    `${nodes} nodes, ${pods} pods of ${classes} classes with ${objects} secrets in ${vaults} vault(s), a pass every ${intervalMs / 1000} s; nothing changes`,
    "",
    line("per hour", "ours", "the pair"),
    ...rows.map(([name, ours, theirs]) => line(name, figure(ours), figure(theirs))),
    "",
    `most requests to one vault in 10 s: ${rotating.azure.peak} rotating, ${starting.azure.peak} while all pods start within ${starting.seconds} s; Key Vault serves ${limit}`,
    `the pair, spread evenly: ${Math.round((pair.vault / vaults / HOUR_S) * 10)} in 10 s`,
    `at the end the oldest volume was ${Math.round(story.oldestMs / 1000)} s old`,
  ].join("\n");
}

function perHour({ seconds }: Asked, count: number): number {
  return (count * HOUR_S) / seconds;
}

function line(name: string, ours: string, pair: string): string {
  return `${name.padEnd(24)}${ours.padStart(14)}${pair.padStart(14)}`;
}

function figure(value: number): string {
  return Number.isNaN(value) ? "" : Math.round(value).toLocaleString("en");
}
