import { afterAll, beforeAll, expect, test } from "vitest";
import { vault } from "./cluster.ts";
import { apply, describedEvents, exec, failedMount, ready, remove } from "./kubectl.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass } from "./objects.ts";

beforeAll(() => apply(credentialsSecret(credentials)));
afterAll(() => remove("wrong-name"));

test("a wrong secret name: the user reads which object of which vault is missing, and the pod heals when it is made", async () => {
  await apply(
    secretClass("typo", ["made-later"]),
    pod({ name: "wrong-name", classes: ["typo"], needs: `${mountPath}/made-later` }),
  );
  const message = await failedMount("wrong-name");
  console.log(`$ kubectl describe pod wrong-name\n${await describedEvents("wrong-name")}`);
  expect(message).toContain("failed to mount secrets store objects for pod azure-keyvault-csi-test/wrong-name");
  expect(message).toContain("made-later");
  expect(message).toContain("SecretNotFound");
  await vault.set("made-later", "here now");
  await ready("wrong-name");
  expect(await exec("wrong-name", "cat", `${mountPath}/made-later`)).toBe("here now");
});
