import type { System, Workload } from "../spec/index.ts";
import { declaredEdge, usesOf } from "../spec/index.ts";
import {
  type Cost,
  type CostOptions,
  costOf,
  edgeOf,
  type Host,
  hosts,
  provisionedFor,
} from "./cost.ts";
import { demandOf } from "./demand.ts";
import { duration, money, number } from "./format.ts";
import { advice, limits } from "./limits.ts";
import type { Known } from "./prices/price-list.ts";
import { type Reason, type Verdict, verdictsOf } from "./questions.ts";

/** Instances of a function: Little's law, rate times duration, with the shape's peak. */
export interface Concurrency {
  /** In work at once at the peak: peak rate times mean duration. */
  readonly expected: number;
  /** Kept ready, where the p99 objective asks for it: `expected` plus 10 %. */
  readonly provisioned?: number;
  /**
   * Most at once, where the database behind it must be spared: a cap turns requests away, so nothing
   * else has one. The peak or the throttle, whichever is higher, times p99; at least 10.
   */
  readonly reserved?: number;
}

/** Where a workload runs, why, and what that costs. */
export interface Placement {
  readonly name: string;
  readonly host: Host;
  /** Reasons of the choice, in the order of the questions. */
  readonly because: readonly Reason[];
  readonly rejected: readonly { readonly host: Host; readonly because: readonly Reason[] }[];
  /** Limits that no host meets. Where there are some, the workload cannot be deployed. */
  readonly unmet: readonly Reason[];
  readonly monthly: Cost;
  /** Of a function, and of a container's overflow twin. */
  readonly concurrency?: Concurrency;
  /** How requests reach it. */
  readonly edge: "gateway" | "load-balancer" | "none";
}

export interface PlaceOptions extends CostOptions {
  /** The host that stack config asks for. */
  readonly override?: string;
  /** The edge's throttle, where the workload has none of its own, in requests per second. */
  readonly throttlePerSecond?: number;
}

/**
 * Places a workload: limits rule hosts out, then the first question that tells the remaining hosts
 * apart decides, and cost decides between those that are left. Pure, and total for every workload
 * that `defineSystem` accepts.
 * @param name of the workload, for messages
 * @param workload its declaration
 * @param options prices, network, what it uses, and the stack's override
 * @throws {Error} where the override is no host, or one that a limit rules out
 * @example
 * const users = http({
 *   code: "functions/users",
 *   routes: ["GET /users/{id}"],
 *   load: { perDay: 1000, shape: "steady", ms: { p50: 20, p99: 90 }, memoryMb: 256 },
 * });
 * place("users", users).host; // "function"
 */
export function place(name: string, workload: Workload, options: PlaceOptions = {}): Placement {
  const fitting = verdictsOf(workload);
  const limitsOf = (host: Host) =>
    fitting.filter((v) => v.kind === "limit" && v.against.includes(host));
  const fewest = Math.min(...hosts.map((host) => limitsOf(host).length));
  const possible = hosts.filter((host) => limitsOf(host).length === fewest);
  const advices = fitting.filter((verdict) => verdict.kind === "advice");
  const left = [...advices.filter(isAside), ...advices.filter((v) => !isAside(v))].reduce(
    (candidates, { against }) => without(candidates, against),
    possible,
  );

  const snappy = workload.latency !== undefined && workload.latency.p99Ms < advice.snappyMs;
  const provisioned = snappy ? provisionedFor(workload) : undefined;
  const price = (host: Host) =>
    costOf(host, workload, options, hasFunction(host) ? provisioned : undefined);
  const costs = new Map(possible.map((host) => [host, price(host)]));
  const amountOf = (host: Host): Known => costs.get(host)?.amount ?? "unknown";

  const cost = costVerdict(possible, left, amountOf);
  const advised = without(left, cost.against)[0] ?? possible[0] ?? "function";
  const verdicts = [...fitting, cost, ...latencyVerdicts(workload, provisioned)];

  const host = overridden(name, options.override, advised, limitsOf) ?? advised;
  const override: Verdict[] =
    host === advised
      ? []
      : [
          {
            question: "override",
            kind: "advice",
            text: overrideText(host, advised, amountOf(host), amountOf(advised)),
            against: hosts.filter((other) => other !== host),
            tells: [host],
          },
        ];
  const against = (other: Host) =>
    [...verdicts, ...(other === advised ? override : [])].filter((v) => v.against.includes(other));

  return {
    name,
    host,
    because: [
      ...verdicts.filter((v) => !v.against.includes(host) && (v.tells?.includes(host) ?? true)),
      ...override,
      ...against(host).map((v) => ({ ...v, text: `against it: ${v.text}` })),
    ].map(reason),
    rejected: hosts
      .filter((other) => other !== host)
      .map((other) => ({ host: other, because: against(other).map(reason) })),
    unmet: limitsOf(host).map(reason),
    monthly: costs.get(host) ?? price(host),
    concurrency: hasFunction(host) ? concurrencyOf(workload, options, provisioned) : undefined,
    edge: edgeOf(host, workload),
  };
}

/**
 * Places every workload of a system. What the workloads in the network share, load balancer and
 * NAT gateway, is shared by as many as end up there: placed again until no more of them join.
 * @param options as of `place`; `overrides` by workload
 * @throws {Error} where an override names no workload, no host, or one that a limit rules out
 */
export function placeAll(
  system: System,
  options: CostOptions & { readonly overrides?: Readonly<Record<string, string>> } = {},
): readonly Placement[] {
  const names = Object.keys(system.workloads);
  const { overrides = {}, ...rest } = options;
  for (const name of Object.keys(overrides))
    if (!names.includes(name))
      throw new Error(
        `Placement "${name}": no workload has that name; use one of ${names.join(", ")}`,
      );
  const throttlePerSecond = declaredEdge(system)?.throttle.perSecond;
  const usesOfAll = new Map(names.map((name) => [name, usesOf(system, name)]));

  let sharing = options.sharing ?? { loadBalancer: 1, nat: 1 };
  for (;;) {
    const shared = sharing;
    const placements = Object.entries(system.workloads).map(([name, workload]) => {
      const override = Object.hasOwn(overrides, name) ? overrides[name] : undefined;
      const uses = usesOfAll.get(name);
      return place(name, workload, { ...rest, sharing: shared, uses, override, throttlePerSecond });
    });
    const paying = (what: string) =>
      placements.filter(({ monthly }) => monthly.items.some((item) => item.what.startsWith(what)))
        .length;
    sharing = {
      loadBalancer: Math.max(shared.loadBalancer, paying("load balancer")),
      nat: Math.max(shared.nat, paying("NAT gateway")),
    };
    if (sharing.loadBalancer === shared.loadBalancer && sharing.nat === shared.nat)
      return placements;
  }
}

/** What keeps placements from being deployed: limits that no host meets, and those of the edge. */
export function placementFaults(placements: readonly Placement[]): readonly string[] {
  const routed = placements.filter(({ edge }) => edge === "gateway").length;
  return [
    ...placements.flatMap(({ name, unmet }) =>
      unmet.map(({ text }) => `Placement "${name}": ${text}; no host can, change the workload`),
    ),
    ...(routed > limits.gatewayIntegrations
      ? [
          `Placement: ${routed} workloads behind one HTTP API, which has ${limits.gatewayIntegrations} integrations; merge some or split the system`,
        ]
      : []),
  ];
}

const isFunction = (host: Host) => host === "function" || host === "function-image";
const hasFunction = (host: Host) => isFunction(host) || host === "container-with-overflow";

/** What merely fits nothing (no GPU needed, a zip is enough) is settled before opinions weigh. */
const isAside = ({ tells }: Verdict) => tells?.length === 0;

const reason = ({ question, kind, text }: Verdict): Reason => ({ question, kind, text });

/** The candidates without some; all of them where none would be left. */
function without(candidates: readonly Host[], against: readonly Host[]): Host[] {
  const left = candidates.filter((host) => !against.includes(host));
  return left.length > 0 ? left : [...candidates];
}

function costVerdict(
  possible: readonly Host[],
  left: readonly Host[],
  amountOf: (host: Host) => Known,
): Verdict {
  const known = left.filter((host) => amountOf(host) !== "unknown");
  // Where a price is missing nothing can be compared: the first host, which costs nothing at rest.
  const cheapest =
    known.length < left.length
      ? left[0]
      : known.reduce((a, b) => (Number(amountOf(b)) < Number(amountOf(a)) ? b : a));
  const said = (candidates: readonly Host[]) =>
    candidates.map((host) => `${host} ${money(amountOf(host))}`).join(", ");
  const others = possible.filter((host) => !left.includes(host));
  return {
    question: "cost",
    kind: "advice",
    text:
      `${said(left)} a month at list price` +
      (known.length < left.length && left.length > 1 ? ", so cost cannot decide" : "") +
      (others.length > 0 ? `; ruled out before: ${said(others)}` : ""),
    against: left.filter((host) => host !== cheapest),
  };
}

function latencyVerdicts(workload: Workload, provisioned: number | undefined): Verdict[] {
  const finding = (text: string, tells?: readonly Host[]): Verdict => ({
    question: "latency",
    kind: "advice",
    text,
    against: [],
    tells,
  });
  if (!workload.latency) return [finding("no p99 is asked for")];
  const asked = `p99 of ${duration(workload.latency.p99Ms)} is asked for`;
  const p99 = workload.load.ms.p99;
  const late =
    p99 > workload.latency.p99Ms
      ? [finding(`${asked}, and the load says ${duration(p99)}: no host mends that`)]
      : [];
  if (provisioned === undefined)
    return [...late, finding(`${asked}: not under ${duration(advice.snappyMs)}`)];
  const cold = `${asked}, under ${duration(advice.snappyMs)}, and a cold start takes ${duration(advice.coldStartMs)}`;
  return [
    ...late,
    finding(`${cold}: ${number(provisioned)} provisioned instances`, [
      "function",
      "function-image",
    ]),
    finding(`${cold}: containers are there already`, [
      "container",
      "container-with-overflow",
      "gpu-container",
    ]),
  ];
}

function overridden(
  name: string,
  override: string | undefined,
  advised: Host,
  limitsOf: (host: Host) => readonly Verdict[],
): Host | undefined {
  if (override === undefined) return undefined;
  const host = hosts.find((known) => known === override);
  if (!host)
    throw new Error(`Placement "${name}": override "${override}"; use one of ${hosts.join(", ")}`);
  const broken = limitsOf(host);
  if (broken.length > 0)
    throw new Error(
      `Placement "${name}": override "${host}", but ${broken.map(({ text }) => text).join(", and ")}; use ${advised} or change the workload`,
    );
  return host;
}

function overrideText(host: Host, advised: Host, cost: Known, instead: Known): string {
  const by = `stack config asks for ${host} instead of ${advised}`;
  if (cost === "unknown" || instead === "unknown")
    return `${by}: ${money(cost)} instead of ${money(instead)} a month`;
  const more = cost - instead;
  return `${by}: ${money(cost)} instead of ${money(instead)} a month, ${money(Math.abs(more))} ${more < 0 ? "less" : "more"}`;
}

function concurrencyOf(
  workload: Workload,
  options: PlaceOptions,
  provisioned: number | undefined,
): Concurrency {
  const { peakInWork, peakPerSecond } = demandOf(workload.load);
  const concurrency = { expected: Math.max(1, Math.ceil(peakInWork)), provisioned };
  if (!options.uses?.some(({ kind }) => kind === "sql")) return concurrency;
  const throttle =
    workload.kind === "http" ? (workload.throttle?.perSecond ?? options.throttlePerSecond ?? 0) : 0;
  const most = (Math.max(peakPerSecond, throttle) * workload.load.ms.p99) / 1000;
  return { ...concurrency, reserved: Math.max(10, Math.ceil(most), provisioned ?? 0) };
}
