import { setTimeout as sleep } from "node:timers/promises";

/** One try to place an order, as the client saw it. */
export interface Attempt {
  /** What was wrong with the world when it was sent. */
  readonly phase: string;
  /** 0: no answer at all. */
  readonly status: number;
  /** Says in the form that clients know that it was not done, and may be sent again. */
  readonly clear: boolean;
  /** What was said of it, where it was not placed. */
  readonly detail: string;
  readonly ms: number;
  /** When it was answered: performance.now(). */
  readonly at: number;
}

/** What clients sent, and what they were told. */
export interface Orders {
  readonly attempts: readonly Attempt[];
  /** Ids by Idempotency-Key, of those that were answered with 201. */
  readonly answered: ReadonlyMap<string, readonly string[]>;
  /**
   * What is wrong with the world from now on.
   * @param times how many times as many orders come as otherwise. Default: 1
   */
  phase(name: string, times?: number): void;
  /** Resolves with the time of the first order that is answered from now on. */
  next(): Promise<number>;
  /** Sends no new ones; resolves when all are answered. */
  end(): Promise<void>;
}

/** No client waits longer, in ms: an HTTP API has given up after 30,000. */
const patienceMs = 31_000;
/** After which an order that has no answer is given up, in ms: the count then says so. */
const longestMs = 180_000;

/**
 * Places orders in open loop, so many a second, each by a key of its own; what is not answered with
 * 201 is sent again with the same key, as a client would.
 */
export function placeOrders(options: {
  readonly url: string;
  readonly perSecond: number;
  /** Of whoever orders, asked for anew before it expires. */
  readonly token: () => Promise<string>;
}): Orders {
  const { url, perSecond, token } = options;
  const attempts: Attempt[] = [];
  const answered = new Map<string, string[]>();
  const open = new Set<Promise<void>>();
  let waiting: ((at: number) => void)[] = [];
  let phase = "before";
  let rate = perSecond;
  let ending = false;

  const attempt = async (key: string): Promise<boolean> => {
    const began = performance.now();
    const sentIn = phase;
    const note = (status: number, clear: boolean, detail = "") => {
      const at = performance.now();
      attempts.push({ phase: sentIn, status, clear, detail, ms: at - began, at });
    };
    try {
      const response = await fetch(`${url}/api/v1/orders`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${await token()}`,
          "idempotency-key": key,
        },
        body: JSON.stringify({
          items: [{ sku: "print-a4", quantity: 1 }],
          email: "ada@drill.example",
        }),
        signal: AbortSignal.timeout(patienceMs),
      });
      const body = (await response.json()) as { id?: string; code?: string; detail?: string };
      note(response.status, isClear(response, body), body.detail);
      if (response.status !== 201) return false;
      answered.set(key, [...(answered.get(key) ?? []), `${body.id}`]);
      for (const tell of waiting.splice(0)) tell(performance.now());
      return true;
    } catch (error) {
      note(0, false, String(error));
      return false;
    }
  };
  const place = async (key: string) => {
    const until = performance.now() + longestMs;
    while (!(await attempt(key)) && performance.now() < until)
      await sleep(500 + Math.random() * 1_000);
  };
  const sending = (async () => {
    for (let n = 0; !ending; n += 1) {
      const one = place(`outage-${n}`).finally(() => open.delete(one));
      open.add(one);
      await sleep(1_000 / rate);
    }
  })();
  return {
    attempts,
    answered,
    phase(name, times = 1) {
      phase = name;
      rate = perSecond * times;
    },
    next: () => new Promise((resolve) => waiting.push(resolve)),
    async end() {
      ending = true;
      await sending;
      await Promise.all(open);
      waiting = [];
    },
  };
}

/** 503 and 429 as RFC 9457 has them, with words for people and a code for programs. */
const isClear = ({ status, headers }: Response, body: { code?: string; detail?: string }) =>
  status === 201 ||
  ([429, 503].includes(status) &&
    headers.get("content-type") === "application/problem+json" &&
    ["throttled", "unavailable"].includes(body.code ?? "") &&
    (body.detail ?? "").length > 10);
