import { Problem } from "../http/problem.ts";
import { isPortError } from "../ports/errors.ts";
import type { HttpContext } from "../ports/http.ts";
import type { FunctionTwin } from "../ports/twin.ts";
import { type BreakerOptions, breaker } from "./breaker.ts";
import { type HourlyBudget, hourlyBudget } from "./budget.ts";
import { canTravel, payloadOf, responseOf } from "./payload.ts";

export interface SpillwayOptions {
  readonly twin?: FunctionTwin;
  readonly maxSpilling?: number;
  readonly breaker?: BreakerOptions;
  readonly budget?: HourlyBudget;
}

/** The twin's answer; or the request, which nobody has begun, with its body to be read still. */
export type Spilt = { readonly answer: Response } | { readonly request: Request };

/**
 * Hands requests to a container's function twin, as long as its breaker and its budget allow.
 * @param now monotonic, in ms
 */
export function spillway(options: SpillwayOptions, now: () => number) {
  const { twin, maxSpilling = 200 } = options;
  const circuit = breaker(options.breaker);
  const purse = options.budget && hourlyBudget(options.budget);
  let spilling = 0;
  let spilled = 0;
  let spilledFailed = 0;

  /** @returns the answer, or `undefined` where the function certainly did not begin */
  const call = async (
    payload: string,
    signal: AbortSignal,
    until: number,
  ): Promise<Response | undefined> => {
    const began = now();
    const ended = circuit.call(began);
    if (!ended) return undefined;
    const paid = purse?.reserve(began);
    if (purse && !paid) {
      ended(undefined, began);
      return undefined;
    }
    spilling += 1;
    const end = (ok: boolean | undefined, begun: boolean) => {
      const at = now();
      spilling -= 1;
      ended(ok, at);
      paid?.(begun ? at - began : undefined, at);
      if (begun) spilled += 1;
      if (begun && ok === false) spilledFailed += 1;
    };
    try {
      const text = await (twin as FunctionTwin).invoke(payload, {
        timeoutMs: until - began,
        signal,
      });
      const response = responseOf(text);
      end(response.status < 500, true);
      return response;
    } catch (error) {
      const begun = !notBegun.some((code) => isPortError(error, code));
      // A payload that it refuses says nothing of the twin, nor does a client that has gone.
      const isSilent =
        signal.aborted || isPortError(error, "too-large") || isPortError(error, "invalid");
      end(isSilent ? undefined : false, begun);
      if (begun) throw unanswered(error, now() >= until);
      if (isPortError(error, "denied")) logDenied(error);
      return undefined;
    }
  };

  return {
    /** Until the breaker lets a call through, in ms. */
    retryMs: () => (twin ? circuit.retryMs(now()) : 0),
    snapshot() {
      const at = now();
      return {
        spilling,
        spilled,
        spilledFailed,
        breaker: circuit.state(at),
        budgetShare: purse ? Math.min(1, purse.spent(at) / (purse.perHour || 1)) : 0,
      };
    },
    /**
     * @param until when it must be answered
     * @throws {Problem} 502 and 504 where the twin may have begun it, and gave no answer
     */
    async spill(request: Request, context: HttpContext, until: number): Promise<Spilt> {
      const { signal } = request;
      if (!twin || spilling >= maxSpilling || circuit.state(now()) === "open") return { request };
      if (!canTravel(request) || signal.aborted) return { request };
      const body = await bodyOf(request);
      const payload = payloadOf(request, context, body ?? new Uint8Array());
      const answer =
        payload === undefined || signal.aborted ? undefined : await call(payload, signal, until);
      if (answer) return { answer };
      return { request: body ? withBody(request, body) : request };
    },
  };
}

/** What a twin throws that has certainly not begun. */
const notBegun = ["throttled", "denied", "too-large", "invalid"] as const;

/** All of its body, which came before it was let in; `undefined` where it can have none. */
async function bodyOf(request: Request): Promise<Uint8Array | undefined> {
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  return new Uint8Array(
    await request.arrayBuffer().catch((cause) => {
      throw new Problem("invalid", { detail: "The body could not be read to its end.", cause });
    }),
  );
}

const withBody = ({ url, method, headers, signal }: Request, body: Uint8Array): Request =>
  new Request(url, { method, headers, signal, body: Buffer.from(body) });

const unanswered = (cause: unknown, isLate: boolean) =>
  new Problem("unavailable", {
    status: isLate ? 504 : 502,
    detail: "It was begun and gave no answer; whether it was done is not known.",
    cause,
  });

/** Somebody has to look: no time mends a policy. */
const logDenied = (error: Error): void =>
  console.error(JSON.stringify({ level: "error", overflow: "denied", error: error.message }));
