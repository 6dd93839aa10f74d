import { answerError, Problem } from "../http/problem.ts";
import type { HttpContext, HttpHandler } from "../ports/http.ts";
import type { FunctionTwin } from "../ports/twin.ts";
import type { BreakerOptions, BreakerState } from "./breaker.ts";
import type { HourlyBudget } from "./budget.ts";
import { adaptiveLimit, type LimitOptions } from "./limit.ts";
import { slots, type WaitOptions } from "./slots.ts";
import { spillway } from "./spillway.ts";

/** What a container does with more requests than it can hold. All have defaults. */
export interface AdmissionOptions extends LimitOptions, WaitOptions {
  /** The function with the same code. Default: none, what is too much waits or is refused */
  readonly twin?: FunctionTwin;
  /** Most calls of the twin at a time, each with its payload in memory. Default: 200 */
  readonly maxSpilling?: number;
  readonly breaker?: BreakerOptions;
  /** Default: no cap */
  readonly budget?: HourlyBudget;
  /**
   * By when a request is answered, in ms after all of it has come. Default: 28,000, under the
   * 30 s of an HTTP API
   */
  readonly deadlineMs?: number;
  /** Monotonic, in ms. Default: performance.now */
  readonly now?: () => number;
}

/** How it stands, and what was counted since the process began. */
export interface AdmissionSnapshot {
  /** Taken by the container itself. */
  readonly admitted: number;
  /** Begun by the twin. */
  readonly spilled: number;
  /** Of these: failed, or without an answer in time. */
  readonly spilledFailed: number;
  /** Answered with 503: nobody has begun them. */
  readonly refused: number;
  readonly inFlight: number;
  readonly spilling: number;
  readonly waiting: number;
  readonly limit: number;
  readonly breaker: BreakerState;
  /** Share of the hour's budget that is spent, 0 to 1; 0 without a budget. */
  readonly budgetShare: number;
}

export interface Admission {
  /** The handler, with requests above the limit spilled, made to wait for a moment, or refused. */
  readonly handler: HttpHandler;
  snapshot(): AdmissionSnapshot;
}

/** Longest that clients are told to wait, in seconds. */
const longestRetrySeconds = 30;
/** Share of a new request in the typical duration, as TCP smooths its round trips (RFC 6298). */
const share = 1 / 8;

/**
 * Admission control around a handler. A request is begun once, here or at the twin: what the
 * container has begun is never spilled, and what the twin may have begun is not begun again. It
 * counts as in flight until its answer begins; what a streamed answer does after that does not.
 */
export function admission(handler: HttpHandler, options: AdmissionOptions = {}): Admission {
  const { deadlineMs = 28_000, now = () => performance.now() } = options;
  const limit = adaptiveLimit(options);
  const places = slots(limit.current, options);
  const over = spillway(options, now);
  let admitted = 0;
  let refused = 0;
  let typicalMs = 0;

  const done = (began: number, failed: boolean) => {
    const end = now();
    const ms = end - began;
    typicalMs += (ms - typicalMs) * share;
    limit.sample(end, ms, places.inFlight(), failed);
    places.leave();
  };
  /** With a slot, which it leaves. */
  const run = (request: Request, context: HttpContext): Response | Promise<Response> => {
    const began = now();
    admitted += 1;
    let answered: Response | Promise<Response>;
    try {
      answered = handler.fetch(request, context);
    } catch (error) {
      done(began, true);
      throw error;
    }
    if (!(answered instanceof Promise)) {
      done(began, answered.status >= 500);
      return answered;
    }
    return answered.then(
      (response) => {
        done(began, response.status >= 500);
        return response;
      },
      (error) => {
        done(began, true);
        throw error;
      },
    );
  };

  const refuse = (signal: AbortSignal): never => {
    // Nobody hears it any more.
    if (!signal.aborted) refused += 1;
    const ms = Math.max(places.expectedMs(typicalMs), over.retryMs());
    const seconds = Math.min(longestRetrySeconds, Math.max(1, Math.ceil(ms / 1_000)));
    throw new Problem("unavailable", {
      detail: "Too many requests at the moment; try again in a moment.",
      headers: { "retry-after": String(seconds) },
    });
  };
  const wait = async (request: Request, context: HttpContext, until: number) => {
    const { signal } = request;
    const turn = signal.aborted ? undefined : places.queue(until - now() - typicalMs, typicalMs);
    if (!turn) return refuse(signal);
    signal.addEventListener("abort", turn.giveUp, { once: true });
    const granted = await turn.granted;
    signal.removeEventListener("abort", turn.giveUp);
    if (!granted) return refuse(signal);
    if (!signal.aborted) return run(request, context);
    places.leave();
    return refuse(signal);
  };
  const tooMuch = async (request: Request, context: HttpContext): Promise<Response> => {
    const until = now() + deadlineMs;
    const spilt = await over.spill(request, context, until);
    return "answer" in spilt ? spilt.answer : wait(spilt.request, context, until);
  };

  return {
    handler: {
      fetch(request, context) {
        if (places.enter()) return run(request, context);
        return tooMuch(request, context).catch((error) => {
          // Refusals, and clients that have gone, are not logged: there may be very many.
          if (error instanceof Problem && (error.status === 503 || request.signal.aborted))
            return error.toResponse(context.requestId);
          return answerError(error, context.requestId);
        });
      },
    },
    snapshot: () => ({
      admitted,
      refused,
      inFlight: places.inFlight(),
      waiting: places.waiting(),
      limit: limit.current(),
      ...over.snapshot(),
    }),
  };
}
