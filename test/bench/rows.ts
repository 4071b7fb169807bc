import type { Row } from "./row.ts";
import { firstMounts } from "./rows/first-mount.ts";
import { besideOthers } from "./rows/beside-others.ts";
import { piecesOfWork } from "./rows/pieces.ts";
import { processRows } from "./rows/process.ts";
import { rotationPasses } from "./rows/rotation.ts";
import { secretSyncs } from "./rows/secret-sync.ts";
import { storms } from "./rows/storm.ts";
import { volumeCalls } from "./rows/volume-calls.ts";

/** All that is measured, in the order of the table. */
export const allRows: readonly Row[] = [
  ...firstMounts,
  ...storms,
  ...volumeCalls,
  ...besideOthers,
  ...piecesOfWork,
  ...rotationPasses,
  ...secretSyncs,
  ...processRows,
];
