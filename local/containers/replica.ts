import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Release } from "../programs/build.ts";
import type { Stand, Told } from "../programs/lifeline.ts";
import { healthAfter, type ReplicaStatus } from "./decide.ts";

export interface ReplicaOptions {
  readonly release: Release;
  /** Whether it answers on a port, where its health is asked for. */
  readonly listens: boolean;
  /** Beside the host's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Told whenever it is something else. */
  readonly onChange: () => void;
  readonly times?: Partial<ReplicaTimes>;
}

/** All in milliseconds. */
export interface ReplicaTimes {
  /** From its start to the first good answer of /healthz. */
  readonly start: number;
  /** Between two health checks, and for an answer to one. */
  readonly check: number;
  readonly answer: number;
  /** For the requests that it has, before it is told to stop. */
  readonly drain: number;
  /** For its own drain after SIGTERM: a container has 30 s. */
  readonly stop: number;
}

const ordinary: ReplicaTimes = {
  start: 30_000,
  check: 2_000,
  answer: 5_000,
  drain: 30_000,
  stop: 30_000,
};

/** One process of a workload, and what is known of it. */
export interface Replica {
  readonly pid: number | undefined;
  readonly port: number | undefined;
  readonly status: ReplicaStatus;
  /** Since when it is that. */
  readonly since: Date;
  /** Requests that the gateway has given it and that are not answered, or open sockets. */
  readonly inFlight: number;
  readonly stand: Stand;
  readonly release: Release;
  /** Resolves with true when it is healthy for the first time, with false where it ends before. */
  readonly healthy: Promise<boolean>;
  /** Resolves with why, when its process is gone. */
  readonly ended: Promise<string>;
  /** Notes a request; call what it gives when that has been answered, however it was. */
  begin(): () => void;
  /** Gets no more requests, ends those that it has, and is told to stop. Returns when it is gone. */
  drain(): Promise<void>;
}

/** Starts a workload's program as its container does: `node <program>` in a folder of its own. */
export function startReplica(options: ReplicaOptions): Replica {
  const { release, listens, onChange } = options;
  const times = { ...ordinary, ...options.times };
  const { promise: healthy, resolve: tellHealthy } = Promise.withResolvers<boolean>();
  const { promise: ended, resolve: tellEnded } = Promise.withResolvers<string>();
  let status: ReplicaStatus = "starting";
  let since = new Date();
  let port: number | undefined;
  let stand: Stand = { admitted: 0, spilled: 0, refused: 0 };
  let reason: string | undefined;
  let inFlight = 0;
  let idle: (() => void) | undefined;
  let draining: Promise<void> | undefined;
  const over = new AbortController();

  const become = (next: ReplicaStatus) => {
    if (status === next || status === "ended" || (status === "draining" && next !== "ended"))
      return;
    status = next;
    since = new Date();
    if (next === "healthy") tellHealthy(true);
    onChange();
  };
  const end = (why: string) => {
    clearTimeout(late);
    over.abort();
    become("ended");
    tellHealthy(false);
    tellEnded(reason ?? why);
  };
  const kill = (why: string) => {
    reason ??= why;
    child.kill("SIGKILL");
  };

  const child = launch(options);
  const late = setTimeout(
    () => kill(`it was not healthy within ${times.start / 1000} s`),
    times.start,
  );
  child.once("error", (error) => end(`its process cannot be started: ${error.message}`));
  child.once("exit", (code, signal) => end(`its process ended with ${signal ?? `code ${code}`}`));
  child.on("message", (told: Told) => {
    if (told.kind === "failed") reason = told.reason;
    if (told.kind === "stand") stand = told.stand;
    if (told.kind !== "ready") return;
    port = told.port;
    if (listens) void watchHealth();
    else up();
  });

  function up(): void {
    clearTimeout(late);
    become("healthy");
  }
  async function watchHealth(): Promise<void> {
    for (let missed = 0; !over.signal.aborted; ) {
      if (await answers(port, times.answer)) {
        missed = 0;
        up();
      } else if (status !== "starting") {
        missed += 1;
        const health = healthAfter(missed);
        if (health === "hung") kill(`it did not answer /healthz ${missed} times`);
        else become(health);
      }
      const pause = status === "starting" ? 20 : times.check;
      await sleep(pause, undefined, { signal: over.signal, ref: false }).catch(() => {});
    }
  }
  async function stop(): Promise<void> {
    become("draining");
    if (inFlight > 0 && status !== "ended") {
      const { promise, resolve } = Promise.withResolvers<void>();
      idle = resolve;
      await Promise.race([promise, ended, sleep(times.drain, undefined, { ref: false })]);
    }
    child.kill("SIGTERM");
    const timer = setTimeout(() => kill("it did not end after SIGTERM"), times.stop);
    await ended;
    clearTimeout(timer);
  }

  return {
    get pid() {
      return child.pid;
    },
    get port() {
      return port;
    },
    get status() {
      return status;
    },
    get since() {
      return since;
    },
    get inFlight() {
      return inFlight;
    },
    get stand() {
      return stand;
    },
    release,
    healthy,
    ended,
    begin() {
      inFlight += 1;
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        inFlight -= 1;
        if (inFlight === 0) idle?.();
      };
    },
    drain() {
      draining ??= stop();
      return draining;
    },
  };
}

function launch({ release, env }: ReplicaOptions): ChildProcess {
  return spawn(process.execPath, [...release.command], {
    cwd: release.folder,
    env: { ...process.env, ...env },
    // Ctrl-C in a terminal is for the host, which ends the requests first.
    detached: true,
    // The channel closes when the host is gone, however it went.
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function answers(port: number | undefined, ms: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(ms);
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
