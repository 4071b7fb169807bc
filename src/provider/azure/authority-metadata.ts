import type { Elapsed } from "../../ports.ts";
import { createKept } from "../../sharing/kept.ts";
import type { PipelinePolicy } from "./policy.ts";

/** The SDK's own would keep it for a day, if credentials were kept. */
const KEPT_MS = 60 * 60_000;
const MOST = 100;
/** Entra ID's has 1,800 characters; authorities come from cloud files, which pods may name. */
const LONGEST = 16 * 1024;

type Answer = Awaited<ReturnType<PipelinePolicy["sendRequest"]>>;

interface Reading {
  readonly answer: Pick<Answer, "status" | "headers" | "bodyAsText">;
  readonly readAt: number;
}

/** A policy for one question to a token service that is reached by way of `host`. */
export type AuthorityMetadata = (host: string) => PipelinePolicy;

/**
 * Remembers where an authority has its token endpoint (OpenID Connect Discovery 1.0), which the SDK asks before each token of
 * a cloud that it does not know: a round trip less for every identity but the first. Only what brought a token is
 * remembered, and what brings none any more is forgotten: an answer that a stranger gave serves for one question.
 */
export function createAuthorityMetadata(elapsed: Elapsed): AuthorityMetadata {
  const pages = createKept<{ good?: Reading | undefined }>({ unusedMs: KEPT_MS, most: MOST });
  const isFresh = ({ readAt }: Reading): boolean => elapsed() - readAt < KEPT_MS;
  return (host) => {
    let page: ReturnType<typeof pages.take> = {};
    let reading: Reading | undefined;
    return {
      name: "authorityMetadata",
      async sendRequest(request, next) {
        if (request.method === "GET") {
          page = pages.take(`${host} ${request.url}`, () => ({}));
          reading = page.good !== undefined && isFresh(page.good) ? page.good : read(await next(request), elapsed());
          return { ...reading.answer, request };
        }
        const answer = await next(request).catch((error: unknown) => {
          page.good = undefined;
          throw error;
        });
        page.good = answer.status === 200 && isShort(reading) ? reading : undefined;
        return answer;
      },
    };
  };
}

/** Without the request: that holds connections. */
function read({ status, headers, bodyAsText }: Answer, readAt: number): Reading {
  return { answer: { status, headers, ...(bodyAsText !== undefined && { bodyAsText }) }, readAt };
}

function isShort(reading: Reading | undefined): boolean {
  return reading !== undefined && (reading.answer.bodyAsText ?? "").length <= LONGEST;
}
