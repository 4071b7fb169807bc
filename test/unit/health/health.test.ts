import { afterEach, beforeEach, expect, test } from "vitest";
import { healthRoutes } from "../../../src/health/health.ts";
import { startDriver, type RunningDriver } from "../../fakes/driver.ts";

let driver: RunningDriver;
beforeEach(async () => {
  driver = await startDriver();
});
afterEach(() => driver.stop().catch(() => undefined));

const routesOf = (csiSocketPath: string, unready?: string) => healthRoutes({ csiSocketPath, unready: () => unready });

test("it is healthy while Probe answers on the CSI socket", async () => {
  expect(await routesOf(driver.socketPath)["/healthz"]?.()).toEqual({ status: 200, text: "ok\n" });
});

test("it is not when nobody answers there", async () => {
  await driver.stop();
  const answer = { status: 500, text: "the CSI service does not answer on its socket\n" };
  expect(await routesOf(driver.socketPath)["/healthz"]?.()).toEqual(answer);
});

test.each([
  [undefined, { status: 200, text: "ok\n" }],
  ["stopping", { status: 503, text: "stopping\n" }],
])("unready for the reason %j it answers %j", async (reason, answer) => {
  expect(await routesOf(driver.socketPath, reason)["/readyz"]?.()).toEqual(answer);
});
