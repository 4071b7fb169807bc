import type { PipelinePolicy } from "./policy.ts";

/**
 * A GET whose connection broke before any byte of an answer came is sent once more, at once: most often the server had just
 * closed a kept connection. Half an answer is another failure, and is not asked for again.
 */
export const resendOnReset: PipelinePolicy = {
  name: "resendOnReset",
  async sendRequest(request, next) {
    try {
      return await next(request);
    } catch (error) {
      if (request.method !== "GET" || !isReset(error)) throw error;
      return next(request);
    }
  },
};

function isReset(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
