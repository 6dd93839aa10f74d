import type { Workload } from "../spec/index.ts";
import type { Host } from "./cost.ts";
import { demandOf, longestRun, shapes } from "./demand.ts";
import { duration, megabytes, number } from "./format.ts";
import { advice, limits } from "./limits.ts";

/** The six questions, in the order in which they are asked. */
export const questions = ["duration", "shape", "state", "package", "cost", "latency"] as const;

/** Why a host was chosen or rejected. A limit cannot be argued with; advice can be overridden. */
export interface Reason {
  readonly question: (typeof questions)[number] | "override";
  readonly kind: "limit" | "advice";
  readonly text: string;
}

/** A reason, and the hosts that it speaks against; against none: it is a finding. */
export interface Verdict extends Reason {
  readonly against: readonly Host[];
  /** The hosts of whose choice it is a reason. Default: all that it does not speak against */
  readonly tells?: readonly Host[];
}

const functions: readonly Host[] = ["function", "function-image"];
/** What a function's limits rule out: overflow goes to a function twin. */
const withTwin: readonly Host[] = [...functions, "container-with-overflow"];
const containers: readonly Host[] = ["container", "container-with-overflow", "gpu-container"];

const limit = (question: Reason["question"], against: readonly Host[], text: string): Verdict => ({
  question,
  kind: "limit",
  text,
  against,
});
const advise = (
  question: Reason["question"],
  against: readonly Host[],
  text: string,
  tells?: readonly Host[],
): Verdict => ({ question, kind: "advice", text, against, tells });

/** What the first four questions say; cost and latency follow from what they leave. */
export const verdictsOf = (workload: Workload): readonly Verdict[] => [
  ...durationVerdicts(workload),
  ...shapeVerdicts(workload),
  ...stateVerdicts(workload),
  ...packageVerdicts(workload),
];

function durationVerdicts(workload: Workload): Verdict[] {
  const { ms, of } = longestRun(workload);
  const run = `${of} ${duration(ms)}`;
  if (workload.kind === "onIdentity" && ms > limits.hookMs)
    return [
      limit(
        "duration",
        withTwin,
        `${run} is over the ${duration(limits.hookMs)} in which an identity hook must answer`,
      ),
    ];
  if (ms > limits.functionMs)
    return [
      limit(
        "duration",
        withTwin,
        `${run} is over the ${duration(limits.functionMs)} that a function may run`,
      ),
      ...hiddenVerdicts(workload, ms, run),
    ];
  if (workload.kind === "http" && ms > limits.gatewayMs)
    return [
      limit(
        "duration",
        withTwin,
        `${run} is over the ${duration(limits.gatewayMs)} after which the gateway's integrations end; the load balancer serves it`,
      ),
    ];
  if (ms > advice.longMs)
    return [
      advise(
        "duration",
        functions,
        `${run} is over ${duration(advice.longMs)}: long work belongs in the core, where waiting is not paid by the millisecond`,
      ),
    ];
  return [
    advise("duration", [], `${run} is within ${duration(advice.longMs)}: any host can do it`),
  ];
}

const hiddenVerdicts = ({ kind }: Workload, ms: number, run: string): Verdict[] =>
  kind === "job" && ms > limits.hiddenMs
    ? [
        limit(
          "duration",
          [...functions, ...containers],
          `${run} is over the ${duration(limits.hiddenMs)} for which SQS hides the message of a job; it would run twice at once then`,
        ),
      ]
    : [];

function shapeVerdicts(workload: Workload): Verdict[] {
  const { shape } = workload.load;
  const { perSecond, peakPerSecond, inWork } = demandOf(workload.load);
  const rate = `${shape}, ${number(perSecond)}/s on average, ${number(peakPerSecond)}/s at the peak`;
  const verdicts: Verdict[] = [];
  if (shape === "steady" && inWork >= advice.baselineInstances)
    verdicts.push(
      advise(
        "shape",
        functions,
        `${rate}: keeps ${number(inWork)} instances busy day and night, which is baseline for containers`,
      ),
    );
  else verdicts.push(advise("shape", [], `${rate}: ${number(inWork)} in work at once`));
  if (workload.kind !== "http")
    verdicts.push({
      ...limit(
        "shape",
        ["container-with-overflow"],
        workload.kind === "socket"
          ? "an open connection cannot be handed to a function"
          : "overflow is for requests that cannot wait; here the burst waits in a queue",
      ),
      tells: [],
    });
  else if (shape === "bursty")
    verdicts.push(
      advise(
        "shape",
        ["container"],
        `bursty: a peak of ${number(shapes.bursty.peak)} times the average comes faster than tasks start; overflow hands it to a function`,
        ["container-with-overflow"],
      ),
    );
  else
    verdicts.push(
      advise(
        "shape",
        ["container-with-overflow"],
        `${shape}: autoscaling keeps up, overflow is not needed`,
        [],
      ),
    );
  return verdicts;
}

function stateVerdicts(workload: Workload): Verdict[] {
  const verdicts: Verdict[] = [];
  const state = workload.state ?? "none";
  if (workload.kind === "socket")
    verdicts.push(limit("state", withTwin, "holds web sockets, a function ends with its answer"));
  else if (state !== "none")
    verdicts.push(
      limit("state", withTwin, `keeps ${state} between requests, a function may be gone by then`),
    );
  if (workload.kind === "onMessage" && (workload.stream ?? workload.changes) !== undefined)
    verdicts.push(
      limit(
        "state",
        containers,
        "reads an ordered log, whose place and order the function's event source keeps",
      ),
    );
  if (workload.kind === "onIdentity")
    verdicts.push(limit("state", containers, "the identity provider calls its hooks as functions"));
  if (workload.gpu)
    verdicts.push(
      limit(
        "state",
        [...withTwin, "container"],
        "needs a GPU, which only a GPU instance of the cluster has",
      ),
    );
  else verdicts.push(advise("state", ["gpu-container"], "needs no GPU", []));
  if (verdicts.every(({ tells }) => tells?.length === 0))
    verdicts.push(advise("state", [], "keeps nothing between requests"));
  return verdicts;
}

function packageVerdicts(workload: Workload): Verdict[] {
  const verdicts: Verdict[] = [];
  const mb = workload.packageMb ?? 5;
  const size = `package of ${megabytes(mb)}`;
  if (mb > limits.functionImageMb)
    verdicts.push(
      limit(
        "package",
        withTwin,
        `${size} is over the ${megabytes(limits.functionImageMb)} of a function's image`,
      ),
    );
  else if (mb > advice.bulkyMb)
    verdicts.push(
      advise(
        "package",
        functions,
        `${size} is over ${megabytes(advice.bulkyMb)}: a function would load it at every cold start`,
      ),
    );
  if (mb > limits.functionZipMb)
    verdicts.push(
      limit(
        "package",
        ["function"],
        `${size} is over the ${megabytes(limits.functionZipMb)} of a function's zip`,
      ),
    );
  else
    verdicts.push(
      advise(
        "package",
        ["function-image"],
        `${size} fits the ${megabytes(limits.functionZipMb)} of a zip, which starts sooner`,
        [],
      ),
    );
  const { memoryMb } = workload.load;
  if (memoryMb > limits.functionMemoryMb)
    verdicts.push(
      limit(
        "package",
        withTwin,
        `memory of ${megabytes(memoryMb)} is over the ${megabytes(limits.functionMemoryMb)} of a function`,
      ),
    );
  if (memoryMb > limits.containerMemoryMb)
    verdicts.push(
      limit(
        "package",
        ["container", "container-with-overflow"],
        `memory of ${megabytes(memoryMb)} is over the ${megabytes(limits.containerMemoryMb)} of a task`,
      ),
    );
  if (workload.kind === "http" && (workload.maxBodyBytes ?? 0) > limits.functionBodyBytes)
    verdicts.push(
      limit(
        "package",
        withTwin,
        `bodies of ${number((workload.maxBodyBytes ?? 0) / 1_048_576)} MiB are over the ${limits.functionBodyBytes / 1_048_576} MiB that a call of a function carries`,
      ),
    );
  if (verdicts.every(({ tells }) => tells?.length === 0))
    verdicts.push(
      advise("package", [], `${size} fits the ${megabytes(limits.functionZipMb)} of a zip`),
    );
  return verdicts;
}
