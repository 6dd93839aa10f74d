import type { Fault } from "./faults.ts";

/** Answers a request, over the network or within this process. */
export type Fetch = (request: Request) => Response | Promise<Response>;

export interface Exchanged {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * Sends a request and reads its answer, whatever its status. No redirect is followed: a header or a
 * URL that is secret goes where it was meant to go, and nowhere else.
 * @param options.timeoutMs until the whole answer is there
 * @param options.maxBytes most of the answer
 * @param options.fetch default: over the network
 * @throws `unavailable` where no answer came in time: what was asked for may have been done, unless
 *   the error says `undone`, as where there was no connection;
 *   `too-large` for a longer answer. Neither names URL, header or body
 */
export async function exchange(
  fault: Fault,
  request: Request,
  options: { readonly timeoutMs: number; readonly maxBytes: number; readonly fetch?: Fetch },
): Promise<Exchanged> {
  const { timeoutMs, maxBytes, fetch = globalThis.fetch } = options;
  const stop = new AbortController();
  const late = Symbol("late");
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), timeoutMs);
  });
  const answer = async (): Promise<Exchanged | undefined> => {
    const sent = new Request(request, { signal: stop.signal, redirect: "manual" });
    const response = await fetch(sent);
    const text = await textOf(response, maxBytes);
    return text === undefined
      ? undefined
      : { status: response.status, headers: response.headers, text };
  };
  const answered = await Promise.race([answer(), deadline])
    .catch((error: unknown) => {
      const code = codeOf(error);
      const undone = neverConnected.has(code);
      throw fault("unavailable", `no answer (${code}); try again later`, new Error(code), {
        undone,
      });
    })
    .finally(() => {
      clearTimeout(timer);
      stop.abort();
    });
  if (answered === late)
    throw fault("unavailable", `no answer within ${timeoutMs} ms; try again later`);
  if (answered === undefined)
    throw fault("too-large", `an answer of over ${maxBytes} bytes; ask for less`);
  return answered;
}

/** Errors of Node and undici before a byte was sent. */
const neverConnected = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

async function textOf(response: Response, maxBytes: number): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** What went wrong in one word: the messages of network errors may hold what was sent. */
function codeOf(error: unknown): string {
  const { code, cause, name } = error as Partial<NodeJS.ErrnoException & { cause: unknown }>;
  const inner = (cause as Partial<NodeJS.ErrnoException> | undefined)?.code;
  return [inner, code, name].find((word) => typeof word === "string") ?? "failed";
}

/** A URL that may be sent secrets: https, or http on this machine. `undefined`: it is none. */
export function outgoingUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe =
    url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  // fetch takes no URL with a password in it, and says it in its error.
  return isSafe && url?.username === "" && url.password === "" ? url : undefined;
}

export const isLoopback = (host: string): boolean =>
  ["localhost", "::1", "[::1]"].includes(host) || /^127(\.\d{1,3}){3}$/.test(host);
