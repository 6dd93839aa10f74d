import { setTimeout as sleep } from "node:timers/promises";
import type { Release } from "../programs/build.ts";
import {
  failuresAfter,
  leastLoaded,
  pauseMs,
  type ReplicaStatus,
  type Sample,
  spilledShare,
  statusOf,
  withSample,
} from "./decide.ts";
import { type Replica, type ReplicaTimes, startReplica } from "./replica.ts";

export interface ServiceOptions {
  /** The workload. */
  readonly name: string;
  readonly count: number;
  readonly listens: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Told in one line of what ended by itself, and of a release that was not taken. */
  readonly onTrouble: (text: string) => void;
  readonly times?: Partial<ReplicaTimes>;
}

/** What the dashboard shows of a workload's processes. */
export interface ServiceState {
  readonly status: "running" | "starting" | "failed";
  /** Why no replica runs, or why the last release was not taken. */
  readonly reason?: string;
  readonly replicas: readonly ReplicaState[];
  readonly inFlight: number;
  /** Counted since the host's start. */
  readonly admitted: number;
  readonly spilled: number;
  readonly refused: number;
  /** Share of the requests of the last 10 s that went to the function, 0 to 1. */
  readonly spilledShare: number;
}
export interface ReplicaState {
  readonly pid?: number;
  readonly port?: number;
  readonly status: ReplicaStatus;
  readonly since: Date;
  /** How often it ended by itself and was started again. */
  readonly restarts: number;
  readonly inFlight: number;
}

/** The replicas of a workload: kept at their number, and replaced one by one. */
export interface Service {
  readonly name: string;
  /**
   * Puts a release in the place of what runs: each new replica is healthy before an old one drains.
   * Where one does not become healthy, the old ones stay.
   * @returns whether it was taken
   */
  roll(release: Release): Promise<boolean>;
  /** A replica that is healthy, with the fewest requests. */
  pick(except?: ReadonlySet<object>): Replica | undefined;
  /** Notes why there is no release to run, as of a build. */
  fail(reason: string): void;
  state(): ServiceState;
  /** Why no replica is healthy, or why the last release was not taken. */
  reason(): string | undefined;
  /** Resolves when a replica is healthy, or it is known that none is. */
  readonly settled: Promise<void>;
  stop(): Promise<void>;
}

/** A place for one replica. */
interface Slot {
  current: Replica | undefined;
  restarts: number;
  failures: number;
  /** Ends the wait before the next start. */
  wake: AbortController;
}

export function startService(options: ServiceOptions): Service {
  const { name, count, onTrouble } = options;
  const slots: Slot[] = [];
  /** With those that start to take a place, and those that drain. */
  const alive = new Set<Replica>();
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  let fault: string | undefined;
  let stopping: Promise<void> | undefined;
  let turn = 0;
  /** Of replicas that are gone. */
  let gone = { admitted: 0, spilled: 0, refused: 0 };
  let samples: readonly Sample[] = [];
  let rolling: Promise<unknown> = Promise.resolve();

  const start = (release: Release): Replica => {
    const { listens, env, times } = options;
    const replica = startReplica({ release, listens, env, times, onChange: () => {} });
    alive.add(replica);
    void replica.healthy.then((isHealthy) => isHealthy && settle());
    void replica.ended.then(() => {
      gone = sum([gone, replica.stand]);
      alive.delete(replica);
    });
    return replica;
  };

  /** Keeps a replica in a slot, for as long as the service runs. */
  const keep = async (slot: Slot): Promise<void> => {
    while (!stopping) {
      const replica = slot.current as Replica;
      const began = performance.now();
      void replica.healthy.then((isHealthy) => {
        if (isHealthy && slot.current === replica) fault = undefined;
      });
      const why = await replica.ended;
      if (stopping) return;
      // Another has taken its place, and it was told to stop.
      if (slot.current !== replica) continue;
      slot.failures = failuresAfter(slot.failures, performance.now() - began);
      fault = why;
      settle();
      const ms = pauseMs(slot.failures);
      onTrouble(`${why}; it is started again in ${ms / 1000} s`);
      slot.wake = new AbortController();
      await sleep(ms, undefined, { signal: slot.wake.signal }).catch(() => {});
      if (stopping || slot.current !== replica) continue;
      slot.restarts += 1;
      slot.current = start(replica.release);
    }
  };

  const first = async (release: Release): Promise<boolean> => {
    for (let index = 0; index < count; index++) {
      const slot: Slot = {
        current: start(release),
        restarts: 0,
        failures: 0,
        wake: new AbortController(),
      };
      slots.push(slot);
      void keep(slot);
    }
    return true;
  };
  const replace = async (release: Release): Promise<boolean> => {
    for (const slot of slots) {
      if (stopping) return false;
      const candidate = start(release);
      const isHealthy = await candidate.healthy;
      if (stopping) return false;
      if (!isHealthy) {
        const why = await candidate.ended;
        fault = `its new code does not start: ${why}`;
        onTrouble(`${fault}; what ran before goes on`);
        return false;
      }
      const old = slot.current;
      slot.current = candidate;
      slot.failures = 0;
      slot.wake.abort();
      await old?.drain();
    }
    fault = undefined;
    return true;
  };
  const all = (): Replica[] => slots.flatMap(({ current }) => current ?? []);
  const counted = () => sum([gone, ...[...alive].map(({ stand }) => stand)]);

  return {
    name,
    settled,
    roll(release) {
      const next = rolling.then(() => {
        if (stopping) return false;
        if (slots.length === 0) return first(release);
        if (slots.some(({ current }) => current?.release.id !== release.id))
          return replace(release);
        // What was wrong with the code has been taken back.
        if (all().some(({ status }) => status === "healthy")) fault = undefined;
        return true;
      });
      rolling = next;
      return next;
    },
    pick(except) {
      const able = all().filter((one) => one.status === "healthy" && !except?.has(one));
      return leastLoaded(able, turn++);
    },
    fail(reason) {
      fault = reason;
      settle();
    },
    reason: () => fault,
    state() {
      const totals = counted();
      samples = withSample(samples, { at: performance.now(), ...totals });
      const replicas = [
        ...slots.flatMap(({ current, restarts }) => (current ? [stateOf(current, restarts)] : [])),
        ...[...alive].filter((one) => !all().includes(one)).map((one) => stateOf(one, 0)),
      ];
      const status = statusOf(
        replicas.map((one) => one.status),
        fault,
      );
      return {
        status,
        ...(fault !== undefined && { reason: fault }),
        replicas,
        inFlight: replicas.reduce((total, { inFlight }) => total + inFlight, 0),
        ...totals,
        spilledShare: spilledShare(samples),
      };
    },
    stop() {
      stopping ??= (async () => {
        for (const { wake } of slots) wake.abort();
        await Promise.all([...alive].map((replica) => replica.drain()));
        await rolling;
      })();
      return stopping;
    },
  };
}

const stateOf = (replica: Replica, restarts: number): ReplicaState => ({
  pid: replica.pid,
  port: replica.port,
  status: replica.status,
  since: replica.since,
  restarts,
  inFlight: replica.inFlight,
});

const sum = (stands: Iterable<{ admitted: number; spilled: number; refused: number }>) => {
  const total = { admitted: 0, spilled: 0, refused: 0 };
  for (const { admitted, spilled, refused } of stands) {
    total.admitted += admitted;
    total.spilled += spilled;
    total.refused += refused;
  }
  return total;
};
