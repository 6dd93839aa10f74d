import type { Use, Workload } from "../spec/index.ts";
import { demandOf, longestRun, monthHours } from "./demand.ts";
import { limits } from "./limits.ts";
import { awsUsEast1 } from "./prices/aws-us-east-1.ts";
import type { Known, Priced, PriceList } from "./prices/price-list.ts";

/** Where a workload may run. */
export const hosts = [
  "function",
  "function-image",
  "container",
  "container-with-overflow",
  "gpu-container",
] as const;
export type Host = (typeof hosts)[number];

/** One line of an estimate. `amount` is `quantity` times `price`, in the list's currency. */
export interface CostItem {
  readonly what: string;
  readonly quantity: number;
  readonly unit: string;
  readonly price: Known;
  readonly amount: Known;
}

/** A month of a workload on one host, at list price. */
export interface Cost {
  /** Sum of the items; "unknown" where one of them is. */
  readonly amount: Known;
  readonly currency: string;
  readonly items: readonly CostItem[];
  /** What the account's free tier may take off; not subtracted, as all workloads share it. */
  readonly freeTier: readonly (CostItem & { readonly terms: string })[];
  /** Which list, and from when. */
  readonly prices: { readonly region: string; readonly date: string };
}

export interface CostOptions {
  /** Default: AWS us-east-1. */
  readonly prices?: PriceList;
  /** Default: "arm64" */
  readonly architecture?: "arm64" | "x86_64";
  /** What the workload uses (`usesOf`): with sql or a cache a function joins the network. */
  readonly uses?: readonly Pick<Use, "kind">[];
  /** How what is in the network reaches the internet. Default: "nat" */
  readonly network?: "nat" | "public-ip";
  /** How many workloads share the load balancer and the NAT gateway. Default: 1 each */
  readonly sharing?: { readonly loadBalancer: number; readonly nat: number };
}

/**
 * Assumptions of the estimate, said here because no declaration says them.
 * cpuShare: 10 ms of CPU in a request of 50 ms (the WorldCup98 comparison); consumers and jobs take
 * one message at a time. targetUse: how full a task is before another is added.
 */
export const assumed = {
  cpuShare: 0.2,
  targetUse: 0.6,
  bytesPerRequest: 5_000,
  logBytesPerRequest: 1_000,
  /** Two zones for what answers requests; a queue waits for a consumer that is restarted. */
  leastTasks: { answering: 2, consuming: 1 },
} as const;

/** What no line of an estimate covers: the hosts differ little in it, or a stack's own config decides. */
export const leftOut = [
  "stores and what is kept in them",
  "database proxies, virus scanners, and instances in the place of Fargate",
  "queues, topics, streams and workflow transitions",
  "traffic to the internet and between zones",
  "volume discounts, savings plans and tax",
] as const;

/** How requests reach a host. Beyond the gateway's limits they go to the load balancer itself. */
export function edgeOf(host: Host, workload: Workload): "gateway" | "load-balancer" | "none" {
  if (workload.kind === "socket") return "load-balancer";
  if (workload.kind !== "http") return "none";
  const fits =
    longestRun(workload).ms <= limits.gatewayMs &&
    (workload.maxBodyBytes ?? 0) <= limits.gatewayBodyBytes;
  return fits || host.startsWith("function") ? "gateway" : "load-balancer";
}

// Fargate's sizes: vCPU, and the memory that each allows, in MB (ECS Developer Guide).
const sizes = [
  { vCpu: 0.25, least: 512, most: 2_048 },
  { vCpu: 0.5, least: 1_024, most: 4_096 },
  { vCpu: 1, least: 2_048, most: 8_192 },
  { vCpu: 2, least: 4_096, most: 16_384 },
  { vCpu: 4, least: 8_192, most: 30_720 },
  { vCpu: 8, least: 16_384, most: 61_440 },
  { vCpu: 16, least: 32_768, most: 122_880 },
] as const;

/** The smallest Fargate task with that memory; memory beyond the largest is charged as asked. */
export function taskSize(memoryMb: number): { readonly vCpu: number; readonly memoryMb: number } {
  const size = sizes.find(({ most }) => memoryMb <= most) ?? sizes[6];
  return { vCpu: size.vCpu, memoryMb: Math.max(size.least, Math.ceil(memoryMb)) };
}

const answers = (workload: Workload) => workload.kind === "http" || workload.kind === "socket";

/**
 * Tasks on average over a month. Autoscaling follows steady and business-hours loads, and queues
 * wait for it; a burst of requests does not wait, so without overflow its peak is kept ready.
 */
export function averageTasks(host: Host, workload: Workload): number {
  const demand = demandOf(workload.load);
  const { vCpu } = taskSize(workload.load.memoryMb);
  const perTask =
    answers(workload) && host !== "gpu-container"
      ? (vCpu * assumed.targetUse) / assumed.cpuShare
      : assumed.targetUse;
  const least = answers(workload) ? assumed.leastTasks.answering : assumed.leastTasks.consuming;
  const tasks = (perSecond: number) =>
    Math.max(least, Math.ceil((perSecond * demand.meanSeconds) / perTask));
  if (host === "container-with-overflow") return tasks(demand.restPerSecond);
  const sudden = workload.load.shape === "bursty" || workload.load.shape === "rare";
  if (sudden && answers(workload)) return tasks(demand.peakPerSecond);
  return (
    demand.peakTime * tasks(demand.peakPerSecond) +
    (1 - demand.peakTime) * tasks(demand.restPerSecond)
  );
}

/** Provisioned instances that a p99 objective asks for, by Little's law at the peak plus 10 %. */
export const provisionedFor = (workload: Workload): number =>
  Math.max(1, Math.ceil(demandOf(workload.load).peakInWork * 1.1));

/**
 * What a month of a workload costs on a host, at list price.
 * @param provisioned function instances that are kept ready
 */
export function costOf(
  host: Host,
  workload: Workload,
  options: CostOptions = {},
  provisioned = 0,
): Cost {
  const list = options.prices ?? awsUsEast1;
  const arch = options.architecture ?? "arm64";
  const { perMonth, meanSeconds, ...demand } = demandOf(workload.load);
  const used: { of: Priced; item: CostItem }[] = [];
  const add = (of: Priced, what: string, quantity: number, price = list.prices[of].amount) => {
    const amount = price === "unknown" ? price : quantity * price;
    used.push({ of, item: { what, quantity, unit: list.prices[of].unit, price, amount } });
  };

  const functions = (share: number, of: string) => {
    const runs = workload.kind === "workflow" ? workload.steps.length : 1;
    const gb = Math.max(128, workload.load.memoryMb) / 1024;
    add("function requests", `${of} calls`, (share * perMonth * runs) / 1e6);
    const work = share * perMonth * meanSeconds * gb;
    if (provisioned === 0) return add(`function GB-seconds, ${arch}`, `${of} time`, work);
    add(
      `function provisioned GB-seconds, ${arch}`,
      `${provisioned} provisioned instances`,
      provisioned * gb * monthHours * 3600,
    );
    add(`function GB-seconds on provisioned, ${arch}`, `${of} time`, work);
  };
  const containers = (hours: number, what: string) => {
    const size = taskSize(workload.load.memoryMb);
    add(`container vCPU-hours, ${arch}`, `${what}, CPU`, hours * size.vCpu);
    add(`container GB-hours, ${arch}`, `${what}, memory`, (hours * size.memoryMb) / 1024);
  };
  const nat = () => {
    const share = options.sharing?.nat ?? 1;
    const by = share > 1 ? `, shared by ${share}` : "";
    add("NAT gateway hours", `NAT gateway${by}`, monthHours / share);
    add("public IPv4 hours", `NAT gateway's address${by}`, monthHours / share);
    add("NAT gateway GB", "traffic through NAT", (perMonth * assumed.bytesPerRequest) / 1e9);
  };

  if (host === "function" || host === "function-image") {
    functions(1, "function");
    const attached = options.uses?.some(({ kind }) => kind === "sql" || kind === "cache");
    // A function in the network never has a public address: NAT or nothing leads out.
    if (attached && options.network !== "public-ip") nat();
  } else {
    const job = workload.kind === "job" && host === "container";
    const tasks = averageTasks(host, workload);
    const hours = job ? (perMonth * meanSeconds) / 3600 : tasks * monthHours;
    const label = job ? "a task for each run" : `${count(tasks)} on average`;
    if (host === "gpu-container") {
      const fits = workload.load.memoryMb <= list.gpuInstance.memoryMb;
      add("GPU instance hours", `GPU instances, ${label}`, hours, fits ? undefined : "unknown");
    } else containers(hours, job ? label : `tasks, ${label}`);
    if (host === "container-with-overflow") {
      const peakOnly = demand.peakPerSecond - demand.restPerSecond;
      const share = demand.perSecond > 0 ? (demand.peakTime * peakOnly) / demand.perSecond : 0;
      functions(Math.max(0, share), "overflow function");
    }
    if (answers(workload)) {
      const share = options.sharing?.loadBalancer ?? 1;
      add(
        "load balancer hours",
        share > 1 ? `load balancer, shared by ${share}` : "load balancer",
        monthHours / share,
      );
      // One capacity unit carries 1 GB an hour; at this size of request bytes are what counts.
      const gigabytes = (perMonth * assumed.bytesPerRequest) / 1e9;
      add("load balancer capacity unit hours", "load balancer capacity", gigabytes);
    }
    if (options.network === "public-ip") add("public IPv4 hours", "public addresses", hours);
    else nat();
  }
  if (edgeOf(host, workload) === "gateway")
    add("gateway requests", "requests through the gateway", perMonth / 1e6);
  add("log GB", "logs", (perMonth * assumed.logBytesPerRequest) / 1e9);

  const items = used.map(({ item }) => item);
  return {
    amount: totalOf(items),
    currency: list.currency,
    items,
    freeTier: used.flatMap(({ of, item }) =>
      list.freeTier
        .filter((free) => free.of === of)
        .map(({ quantity, terms }) => {
          const covered = Math.min(quantity, item.quantity);
          const amount = item.price === "unknown" ? item.price : covered * item.price;
          return { ...item, quantity: covered, amount, terms };
        }),
    ),
    prices: { region: list.region, date: list.date },
  };
}

const count = (tasks: number) => Math.round(tasks * 100) / 100;

/** The sum of some amounts: "unknown" where one of them is. */
export function totalOf(parts: readonly { readonly amount: Known }[]): Known {
  let sum = 0;
  for (const { amount } of parts) {
    if (amount === "unknown") return amount;
    sum += amount;
  }
  return sum;
}
