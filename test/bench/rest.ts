import { setTimeout as delay } from "node:timers/promises";

/** Kubelet's probes of the pod, as the chart asks for them. */
const probes = [
  { path: "/readyz", periodMs: 5_000 },
  { path: "/healthz", periodMs: 15_000 },
];

/** So long a plugin has nothing to do but to answer kubelet's probes, where it has an address for them. */
export async function rest(ms: number, healthUrl: string | undefined): Promise<void> {
  const asking = healthUrl === undefined ? [] : probes.map(({ path, periodMs }) => ask(healthUrl + path, periodMs));
  await delay(ms);
  for (const timer of asking) clearInterval(timer);
}

function ask(url: string, periodMs: number): NodeJS.Timeout {
  return setInterval(() => {
    // What is wrong with the plugin, the row will find out.
    fetch(url)
      .then((answer) => answer.text())
      .catch(() => undefined);
  }, periodMs);
}
