import { healthPortEnv } from "../../../spec/env.ts";
import type { Feed } from "../../../spec/index.ts";
import type { Delivery, QueueConsumer } from "../../ports/index.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { backoffSeconds, logTrouble, outcomeOf, reasonOf, type Trouble } from "../outcome.ts";
import { type EventHandler, workOf } from "../work.ts";
import { tellLiveness } from "./liveness.ts";
import { type Protection, protectedBy } from "./protection.ts";

export interface ConsumerOptions {
  readonly consumer: QueueConsumer;
  readonly handler: EventHandler;
  readonly feed: Feed;
  /** Most messages taken at a time, 1 to 10. Default: 10 */
  readonly batch?: number;
  /** Most messages worked on at a time. Default: 10 */
  readonly concurrency?: number;
  /** How long the queue hides a message, in seconds: renewed while it is being worked on. */
  readonly visibilitySeconds: number;
  /** After which a message counts as failed, in seconds. Default: none, as for jobs */
  readonly timeLimitSeconds?: number;
  /** How long a stop waits for what is being worked on, in seconds. Default: 25 (ECS kills after 30) */
  readonly drainSeconds?: number;
  /** How long to wait for a message, in seconds, 0 to 20. Default: 5, which a stop may have to wait */
  readonly waitSeconds?: number;
  /** Keeps the host from ending the process while it works. Default: it may be ended at any time */
  readonly protection?: Protection;
  /** Default: a line of JSON in the log */
  readonly onTrouble?: (trouble: Trouble) => void;
}

export interface Consumer {
  /**
   * Takes no more messages, and waits for those being worked on. At the deadline what is left is
   * given back, to be delivered again elsewhere.
   * @returns how many could not be given back: they come again when their visibility ends
   */
  stop(): Promise<number>;
  /** Whether the queue is being asked, or there is no room: not where a question is never answered. */
  alive(): boolean;
}

/**
 * A workload that a queue starts, in a container: works until SIGTERM or SIGINT, drains, and exits
 * with 0; with 1 where a message could not be given back. Says whether it is alive at the port of
 * loopback that the variable {@link healthPortEnv} names.
 * @example
 * consume({ consumer, handler: create(ports), feed: "queue", visibilitySeconds: 180 });
 */
export function consume(options: ConsumerOptions): Consumer {
  const consumer = startConsumer(options);
  const healthPort = process.env[healthPortEnv];
  if (healthPort) tellLiveness(Number(healthPort), consumer.alive);
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, async () => process.exit((await consumer.stop()) === 0 ? 0 : 1));
  return consumer;
}

/** What a stop may take beyond its deadline, to give back what is left. */
const giveBackSeconds = 4;
/** A queue may hide nothing at all; what is renewed every second is hidden. */
const leastVisibility = 3;
/** A queue that has not answered so long after it should have will not. */
const patienceSeconds = 60;
/** Longest pause after a queue could not be asked. */
const longestPauseSeconds = 30;

/** As {@link consume}, without signals: the process lives on. */
export function startConsumer(options: ConsumerOptions): Consumer {
  const { consumer, batch = 10, concurrency = 10, waitSeconds = 5 } = options;
  const { drainSeconds = 25, onTrouble = logTrouble } = options;
  const work = workOf(options.handler, options.feed);
  const protect = protectedBy(options.protection, (error) =>
    onTrouble({ outcome: "receive", error }),
  );
  const working = new Map<Deadline, Promise<void>>();
  const stopping = new AbortController();
  const stopped = new Error("its container stopped before it was done");
  let over = false;
  let unreturned = 0;

  function hold(delivery: Delivery): void {
    const { timeLimitSeconds } = options;
    const deadline = deadlineIn(timeLimitSeconds && timeLimitSeconds * 1000);
    const settled = settle(delivery, deadline).finally(() => {
      deadline.end();
      working.delete(deadline);
    });
    working.set(deadline, settled);
    // It was on its way when the stop came.
    if (stopping.signal.aborted) deadline.announce(stopped);
    if (over) deadline.pass(stopped);
  }

  async function settle(delivery: Delivery, deadline: Deadline): Promise<void> {
    const { message } = delivery;
    try {
      try {
        await renewing(delivery, deadline.within(protect(() => work(message, deadline.signal))));
      } catch (error) {
        const outcome = outcomeOf(error);
        onTrouble({ outcome, error, message: message.id });
        const wait = stopping.signal.aborted ? 0 : backoffSeconds(message.receives);
        await (outcome === "reject"
          ? delivery.reject(reasonOf(error))
          : delivery.retry(reasonOf(error), wait));
        return;
      }
      await delivery.done();
    } catch (error) {
      // The queue did not learn how it ended: the message comes again when its visibility ends.
      onTrouble({ outcome: "receive", error, message: message.id });
      if (stopping.signal.aborted) unreturned++;
    }
  }

  /** Keeps a message hidden while it is being worked on, with two tries before it would appear. */
  async function renewing(delivery: Delivery, done: Promise<void>): Promise<void> {
    const visibilitySeconds = Math.max(options.visibilitySeconds, leastVisibility);
    let renewed = Promise.resolve();
    const renew = () => {
      renewed = delivery
        .extend(visibilitySeconds)
        .catch((error) => onTrouble({ outcome: "receive", error, message: delivery.message.id }));
    };
    const timer = setInterval(renew, (visibilitySeconds * 1000) / 3);
    try {
      await done;
    } finally {
      clearInterval(timer);
      // Lest it hides what is given back.
      await renewed;
    }
  }

  let wake = () => {};
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** What calls under way may bring. */
  let asked = 0;
  const room = () => Math.min(Math.max(1, batch), 10, concurrency - working.size - asked);

  /** @returns whether there may be more: it brought as many as it could */
  async function take(most: number, seconds: number): Promise<boolean> {
    asked += most;
    try {
      const deliveries = await consumer.receive(most, seconds);
      for (const delivery of deliveries) hold(delivery);
      return deliveries.length === most;
    } finally {
      asked -= most;
    }
  }

  /** Since when the loop waits for the queue's answer. */
  let waitingSince: number | undefined;

  async function run(): Promise<void> {
    let helper: Promise<void> | undefined;
    for (let failures = 0; !stopping.signal.aborted; ) {
      if (room() < 1) {
        waitingSince = undefined;
        await Promise.race(helper ? [helper, ...working.values()] : working.values());
        continue;
      }
      try {
        waitingSince = performance.now();
        const more = await take(room(), waitSeconds);
        failures = 0;
        if (more) helper ??= help().finally(() => (helper = undefined));
      } catch (error) {
        waitingSince = undefined;
        onTrouble({ outcome: "receive", error });
        await pause(Math.min(2 ** failures++, longestPauseSeconds) * 1000);
      }
    }
    await helper;
  }

  /** Asks a queue that is behind, beside the loop that waits for it, until there is no more. */
  async function help(): Promise<void> {
    try {
      while (room() > 0 && !stopping.signal.aborted) if (!(await take(room(), 0))) return;
    } catch (error) {
      onTrouble({ outcome: "receive", error });
    }
  }

  const running = run();
  const drain = async () => {
    stopping.abort(stopped);
    for (const deadline of working.keys()) deadline.announce(stopped);
    const giveBack = () => {
      over = true;
      for (const deadline of working.keys()) deadline.pass(stopped);
    };
    wake();
    const patience = Promise.withResolvers<void>();
    const timers = [
      setTimeout(giveBack, drainSeconds * 1000),
      setTimeout(patience.resolve, (drainSeconds + giveBackSeconds) * 1000),
    ];
    const ended = running.then(() => Promise.all(working.values()));
    await Promise.race([ended, patience.promise]);
    for (const timer of timers) clearTimeout(timer);
    return working.size + unreturned;
  };
  let drained: Promise<number> | undefined;
  return {
    stop() {
      drained ??= drain();
      return drained;
    },
    alive: () =>
      stopping.signal.aborted ||
      waitingSince === undefined ||
      performance.now() - waitingSince < (waitSeconds + patienceSeconds) * 1000,
  };
}
