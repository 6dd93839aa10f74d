import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { compile } from "../components/shared/compile.ts";
import { startPostgres } from "../runtime/adapters/local/postgres.ts";
import { callsUsd, tasksUsd } from "./burst/cost.ts";
import { between, type Fleet, type FleetStand, startFleet } from "./burst/fleet.ts";
import { balancer, closedLoop, openLoop, type Phase, percentile } from "./burst/load.ts";
import { ask, lost, prepare } from "./burst/workload.ts";
import { type Bench, type Result, result, shown } from "./result.ts";

const root = path.resolve(import.meta.dirname, "..");
const replicas = 2;
/**
 * Requests that a container works on at a time, at most. One, since two cores hold the load, the
 * database, the containers and the twins, and an order takes about 8 ms of them: at five times the
 * capacity there must be something left to be idle.
 */
const ceiling = 1;
const times = [0.5, 1, 2, 5] as const;
/** Of each phase: as long as a burst lasts before tasks that were started for it can help. */
const seconds = 30;
/** Bursts of which the middle one counts: what else a shared machine does falls into some of them. */
const rounds = 3;
/** In which a burst's functions start, in ms; a part of its phase that is shown by itself. */
const startMs = 2_000;

interface Measured extends Phase {
  readonly stand: FleetStand;
  /** CPU of load, containers and twins; and of all that runs on this machine. */
  readonly cores: number;
  readonly machine: number;
}

/**
 * Open-loop load at half to five times the capacity of two containers, with overflow to their
 * function twins and, on containers of their own, without. The twins run the function's bundle.
 */
const burst: Bench = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-bench-"));
  const postgres = await startPostgres(path.join(folder, "postgres"));
  const fleets: Fleet[] = [];
  let asked = 0;
  const asks = () => ask(asked++);
  try {
    await prepare(postgres.pool, postgres.url);
    const module = await bundled(folder);
    const fleet = async (spills: boolean) => {
      const one = await startFleet(replicas, ceiling, postgres.url, spills ? module : undefined);
      fleets.push(one);
      const { send, close } = balancer(one.ports);
      return { ...one, send, close };
    };
    const over = await fleet(true);
    const alone = await fleet(false);
    const capacity = await knee(alone.send, asks);
    // Connections are open and code is warm in both before anything counts.
    for (const factor of [2, 0.5])
      for (const { send } of [over, alone])
        await openLoop(send, capacity * factor, 3, asks, Math.random);

    const measure = async (one: typeof over, rate: number): Promise<Measured> => {
      const before = await one.stand();
      const cpu = process.cpuUsage();
      const busy = busyMs();
      const began = performance.now();
      const phase = await openLoop(one.send, rate, seconds, asks, Math.random);
      const ms = performance.now() - began;
      const { user, system } = process.cpuUsage(cpu);
      const stand = between(before, await one.stand());
      return {
        ...phase,
        stand,
        cores: (stand.cpuMs + (user + system) / 1_000) / ms,
        machine: (busyMs() - busy) / ms,
      };
    };
    const results: Result[] = [];
    const answered: number[] = [];
    let failed = 0;
    const spilled = async (factor: number): Promise<Measured> => {
      const phase = await measure(over, capacity * factor);
      failed += phase.failed;
      for (const { n } of phase.answers) answered.push(n);
      return phase;
    };
    const slowdown = (quiet: Measured, busy: Measured) =>
      percentile(latencies(busy), 0.99) / percentile(latencies(quiet), 0.99);
    const told: Measured[] = [];
    for (const factor of times) {
      const spilling = await spilled(factor);
      const refusing = await measure(alone, capacity * factor);
      told.push(spilling);
      for (const { n } of refusing.answers) answered.push(n);
      results.push(
        ...figuresOf(`${factor}x with overflow`, spilling),
        ...figuresOf(`${factor}x without`, refusing),
      );
    }
    const slowdowns = [slowdown(told[0] as Measured, told.at(-1) as Measured)];
    while (slowdowns.length < rounds)
      slowdowns.push(slowdown(await spilled(times[0]), await spilled(times[3])));
    for (const { close } of [over, alone]) close();
    return [
      result("burst: failed requests with overflow", failed, "requests", "<=", 0),
      result(
        `burst: p99 at 5x / p99 at 0.5x, with overflow, the middle of ${rounds} bursts`,
        percentile(slowdowns, 0.5),
        "ratio",
        "<=",
        2,
      ),
      ...slowdowns.map((ratio, n) => shown(`burst: the same of burst ${n + 1}`, ratio, "ratio")),
      result(
        "burst: answered orders that are not there",
        await lost(postgres.pool, answered),
        "requests",
        "<=",
        0,
      ),
      shown("burst: capacity, the knee of two containers", capacity, "requests/s"),
      ...results,
    ];
  } finally {
    await Promise.all(fleets.map((one) => one.stop()));
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Time that this machine's cores were not idle, in ms. */
const busyMs = () =>
  cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);

/** The function as it is deployed: one minified module. */
async function bundled(folder: string): Promise<string> {
  const entry = 'export { handler } from "./bench/burst/function.ts";';
  const { twin } = await compile({ twin: entry }, root, ["pg-native"]);
  const file = path.join(folder, "index.mjs");
  writeFileSync(file, twin?.code ?? "");
  return pathToFileURL(file).href;
}

/** The least concurrency that gives nearly all of the throughput that any gives, as that throughput. */
async function knee(send: Parameters<typeof closedLoop>[0], asks: () => ReturnType<typeof ask>) {
  await closedLoop(send, replicas * ceiling, 2, asks);
  const found: number[] = [];
  for (const share of [0.25, 0.5, 1, 1.5, 2])
    found.push(await closedLoop(send, Math.round(replicas * ceiling * share), 3, asks));
  const most = Math.max(...found);
  return found.find((rate) => rate >= 0.95 * most) as number;
}

const latencies = ({ answers }: Pick<Phase, "answers">, until = Number.POSITIVE_INFINITY) =>
  answers.filter(({ due }) => due < until).map(({ ms }) => ms);

function figuresOf(name: string, { sent, failed, answers, stand, ...cpu }: Measured): Result[] {
  const usd = tasksUsd(replicas, seconds) + callsUsd(stand.spilled, stand.calledMs);
  return [
    shown(`burst: ${name}: failed`, failed / sent, "share of requests"),
    shown(`burst: ${name}: p50`, percentile(latencies({ answers }), 0.5), "ms"),
    shown(`burst: ${name}: p99`, percentile(latencies({ answers }), 0.99), "ms"),
    shown(
      `burst: ${name}: p99 of its first 2 s`,
      percentile(latencies({ answers }, startMs), 0.99),
      "ms",
    ),
    shown(`burst: ${name}: spilled`, stand.spilled / sent, "share of requests"),
    shown(`burst: ${name}: cold starts`, stand.coldStarts, "starts"),
    shown(`burst: ${name}: CPU of load, containers and twins`, cpu.cores, "cores"),
    shown(`burst: ${name}: CPU of the whole machine`, cpu.machine, "cores"),
    shown(`burst: ${name}: list price`, (usd / answers.length) * 1e6, "USD per million answers"),
  ];
}

export const parts: Readonly<Record<string, Bench>> = { burst };
