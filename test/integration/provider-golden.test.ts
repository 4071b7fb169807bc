import { afterAll, beforeAll, expect, test } from "vitest";
import {
  goldenIdentityRows,
  goldenRows,
  stockGoldenVault,
  withoutNames,
  type GoldenRow,
} from "../fakes/golden-rows.ts";
import { startProviderWorld, type MountShape, type ProviderWorld } from "../fakes/provider-world.ts";

let azure: ProviderWorld;

beforeAll(async () => {
  azure = await startProviderWorld();
  await stockGoldenVault(azure.world.emulator);
});
afterAll(() => azure.close());

/** The driver overlays the class with the pod's attributes, and sends a pod without a Secret as null. */
function mountShapeOf({ parameters, attributes, objects, credentials }: GoldenRow["shape"]): MountShape {
  const none = credentials !== undefined && Object.keys(credentials).length === 0;
  return {
    parameters: { ...parameters, ...attributes },
    ...(objects !== undefined && { objects }),
    ...(none ? { secrets: null } : typeof credentials === "object" && { secrets: credentials }),
  };
}

async function refusalOf(shape: GoldenRow["shape"]): Promise<{ readonly code: number; readonly details: string }> {
  const told = await azure.driver.mount(azure.messageOf(mountShapeOf(shape))).then(
    () => expect.fail("mounted"),
    (error: unknown) => error as { readonly code: number; readonly details: string },
  );
  return { code: told.code, details: withoutNames(told.details, azure.world.emulator) };
}

test.each(goldenRows)("$request", async ({ shape, code, says, more = "" }) => {
  expect(await refusalOf(shape)).toEqual({ code, details: `failed to mount objects, error: ${says}${more}` });
});

test.each(goldenIdentityRows)("$request", async ({ shape, code, says }) => {
  const { details, ...told } = await refusalOf(shape);
  expect(told).toEqual({ code });
  expect(details.startsWith(`failed to mount objects, error: ${says}`)).toBe(true);
});
