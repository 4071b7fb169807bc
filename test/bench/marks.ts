import type { Marks } from "./table.ts";

/**
 * The established pair (driver 1.6.0, provider 1.8.2, two sidecars) as measured on two shared cores with a round trip of
 * 10 ms, and what this plugin is to reach. Absolute times hold for that machine; to compare, measure both in one run.
 */
export const marks: Marks = {
  "mount-known-1 publish": { pair: "65.8 / 72" },
  "mount-known-10 publish": { pair: "164 / 171", reach: "≤ 25" },
  "mount-known-10 API server requests": { pair: "1", reach: "≤ 2" },
  "mount-rested-10 publish": { pair: "164 / 171" },
  "mount-new-1 publish": { pair: "65.8 / 72" },
  "mount-new-10 publish": { pair: "164 / 171", reach: "≤ 60" },
  "storm wall": { pair: "3802", reach: "≤ 1000" },
  "storm publish": { pair: "891 / 1500" },
  "storm CPU": { pair: "1.19", reach: "≤ 1.2" },
  "storm vault requests": { pair: "1100", reach: "≤ 20" },
  "storm token requests": { pair: "300", reach: "≤ 3" },
  "storm API server requests": { pair: "100" },
  "republish vault requests": { pair: "0" },
  "republish token requests": { pair: "0" },
  "republish API server requests": { pair: "0" },
  "unmount unpublish": { pair: "3.5 / 7", reach: "≤ 1 / ≤ 3" },
  "unmount-storm unpublish": { pair: "50-63 / 78-91" },
  "unmount-storm failures of 100": { pair: "0.4", reach: "0" },
  "pass-40 vault requests": { pair: "440", reach: "≤ 10" },
  "pass-40 token requests": { pair: "120", reach: "0" },
  "pass-40 API server requests": { pair: "80", reach: "1" },
  "pass-40 API writes": { pair: "80", reach: "0" },
  "pass-40-changed vault requests": { pair: "440" },
  "pass-40-changed token requests": { pair: "120" },
  "pass-40-changed API server requests": { pair: "80" },
  "start to Probe": { pair: "53", reach: "≤ 300" },
  "memory-idle PSS": { pair: "96.3", reach: "≤ 72" },
  "memory-idle anonymous": { pair: "18.1", reach: "≤ 27" },
  "memory-40 PSS": { pair: "114.8", reach: "≤ 86" },
  "memory-40 anonymous": { pair: "33.4", reach: "≤ 33" },
};
