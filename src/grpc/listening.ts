import { connect } from "node:net";

/** Whether somebody takes connections on a unix socket, whatever they say on them. */
export function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const answer = (served: boolean): void => {
      socket.destroy();
      resolve(served);
    };
    socket.once("connect", () => {
      answer(true);
    });
    socket.once("error", () => {
      answer(false);
    });
  });
}
