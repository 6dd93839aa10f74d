import { setTimeout as wait } from "node:timers/promises";
import type { Fault } from "./faults.ts";

export interface Listener {
  onText(text: string): void;
  /** The connection was lost and is there again. */
  onMissed(): void;
}

export interface Subscriptions {
  /** Resolves when messages arrive from now on. @returns how to end it */
  subscribe(channel: string, listener: Listener): Promise<() => Promise<void>>;
}

/** A connection that messages come by. */
export interface Line {
  add(channels: readonly string[]): Promise<void>;
  remove(channel: string): Promise<void>;
  /** Fails where nobody answers any more. */
  check(): Promise<void>;
  close(): void;
}

export interface LineEvents {
  onText(channel: string, text: string): void;
  /** Called once, however it ended. */
  onClose(): void;
}

/** How often a line that is silent is asked whether it is still there, in milliseconds. */
const checkMs = 5_000;
const firstPauseMs = 50;
const longestPauseMs = 2_000;

/**
 * The subscriptions of a process: all on one connection, which is opened for the first and closed
 * after the last, and opened again, by itself, where it was lost.
 * @param open opens a connection; rejects with PortError
 */
export function subscriptions(
  fault: Fault,
  open: (events: LineEvents) => Promise<Line>,
): Subscriptions & { close(): void } {
  const listeners = new Map<string, Set<Listener>>();
  let line: Promise<Line> | undefined;
  let recovering = false;
  let closed = false;

  const each = (chosen: Iterable<Listener>, tell: (listener: Listener) => void) => {
    for (const listener of [...chosen])
      try {
        tell(listener);
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error));
      }
  };

  function connected(): Promise<Line> {
    if (line) return line;
    const opening = opened(() => {
      // One that was closed on purpose is forgotten already.
      if (line !== opening) return;
      line = undefined;
      void recover();
    });
    line = opening;
    opening.catch(() => {
      if (line === opening) line = undefined;
    });
    return opening;
  }

  async function opened(onClose: () => void): Promise<Line> {
    const one = await open({
      onText: (channel, text) => each(listeners.get(channel) ?? [], (to) => to.onText(text)),
      onClose() {
        clearInterval(timer);
        onClose();
      },
    });
    const timer = setInterval(() => one.check().catch(() => one.close()), checkMs);
    timer.unref();
    try {
      if (listeners.size > 0) await one.add([...listeners.keys()]);
    } catch (error) {
      clearInterval(timer);
      one.close();
      throw error;
    }
    return one;
  }

  async function recover(): Promise<void> {
    if (recovering) return;
    recovering = true;
    for (let pauseMs = firstPauseMs; listeners.size > 0 && !closed; pauseMs *= 2) {
      await wait(Math.min(pauseMs, longestPauseMs) * (0.5 + Math.random()));
      if (listeners.size === 0 || closed) break;
      const again = await connected().catch(() => undefined);
      if (!again) continue;
      each(
        [...listeners.values()].flatMap((some) => [...some]),
        (to) => to.onMissed(),
      );
      break;
    }
    recovering = false;
  }

  async function ended(channel: string, listener: Listener): Promise<void> {
    const some = listeners.get(channel);
    if (!some?.delete(listener) || some.size > 0) return;
    listeners.delete(channel);
    const last = line;
    // Forgotten before it is closed: who comes meanwhile opens another.
    if (listeners.size === 0) line = undefined;
    const one = await last?.catch(() => undefined);
    if (last !== line) one?.close();
    else if (!listeners.has(channel)) await one?.remove(channel).catch(() => {});
  }

  return {
    async subscribe(channel, listener) {
      if (closed) throw fault("unavailable", "it is closed; its process is ending");
      const some = listeners.get(channel) ?? new Set();
      listeners.set(channel, some.add(listener));
      try {
        await (await connected()).add([channel]);
      } catch (error) {
        await ended(channel, listener);
        throw error;
      }
      return () => ended(channel, listener);
    },
    close() {
      closed = true;
      listeners.clear();
      line?.then(
        (one) => one.close(),
        () => {},
      );
    },
  };
}
