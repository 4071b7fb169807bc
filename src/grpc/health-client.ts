import { credentials, status } from "@grpc/grpc-js";
import { health } from "./health-descriptor.ts";

/**
 * Asks gRPC's health service behind a unix socket, over a connection of its own; resolves to what is wrong, undefined where
 * nothing is.
 */
export function checkHealth(socketPath: string, limitMs: number): Promise<string | undefined> {
  const client = new health.Health(`unix:${socketPath}`, credentials.createInsecure());
  return new Promise((resolve) => {
    client.check({ service: "" }, { deadline: Date.now() + limitMs }, (error, answer) => {
      client.close();
      if (error) resolve(`no answer on ${socketPath}: ${status[error.code]}`);
      else resolve(answer?.status === "SERVING" ? undefined : "the service does not say that it serves");
    });
  });
}
