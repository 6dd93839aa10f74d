import { limits } from "../../planner/index.ts";
import {
  deadLettersEnv,
  type Http,
  metricsEnv,
  originsEnv,
  type Socket,
  type Source,
  type System,
  sourceOf,
  sourceQueueEnv,
  timeLimitSeconds,
  tokenEnv,
  twinEnv,
  type Workload,
} from "../../spec/index.ts";
import { envValue, type Part, portsOf, text } from "./entry-ports.ts";
import type { Fault } from "./faults.ts";

export interface Entry {
  /** A module in TypeScript: of a function it exports `handler`, of a container it is the program. */
  readonly code: string;
  /** Files that it imports, from the project's root. */
  readonly imports: readonly string[];
}

/** What cannot run as a function, and why; `undefined` for what can. */
export function functionFault(system: System, name: string): Fault | undefined {
  const workload = system.workloads[name];
  if (!workload) return `workload "${name}" is not declared; declare it in system.ts`;
  if (workload.kind === "socket")
    return `workload "${name}" of kind socket holds connections; place it on a container`;
  const { ms } = workload.load;
  const longest = ms.max ?? ms.p99;
  if (longest > limits.functionMs)
    return `workload "${name}" takes up to ${longest} ms, over a function's ${limits.functionMs}; place it on a container`;
  return workload.gpu
    ? `workload "${name}" needs a GPU, which functions lack; place it on a container`
    : undefined;
}

/**
 * What a function starts with: the workload's `create`, called with the adapters of the ports that
 * it declares, behind the entry of its trigger. So a bundle holds the clients that are used.
 * @param system a declared system
 * @param name of a workload
 */
export function entryFor(system: System, name: string): Entry | Fault {
  const fault = functionFault(system, name);
  if (fault !== undefined) return fault;
  const workload = system.workloads[name] as Workload;
  const { call, options, imports } = triggerOf(system, name, workload);
  const ports = portsOf(system, name);
  const made = [created(ports), ...(options.length > 0 ? [objectOf(options)] : [])];
  return moduleOf(
    "Function",
    name,
    [[`${workload.code}/index.ts`, "create"], call, ...ports.imports, ...imports],
    `export const handler = ${call[1]}(${made.join(", ")});\n${startLine}`,
  );
}

/**
 * Lambda has no metric of cold starts: one line says what this one took, in ms. An instance that was
 * made ready beforehand kept nobody waiting.
 */
const startLine =
  'if (process.env.AWS_LAMBDA_INITIALIZATION_TYPE === "on-demand") console.info({ initMs: Math.round(performance.now()) });';

/**
 * What a container starts with that answers HTTP, holds web sockets, or that a queue feeds,
 * workflows' steps included: the same `create` with the same adapters as on a function, behind the
 * server or the consumer. A
 * queue's URL is in the variable {@link sourceQueueEnv}, a function twin's ARN in {@link twinEnv}.
 * @param system a declared system
 * @param name of a workload
 */
export function containerEntryFor(system: System, name: string): Entry | Fault {
  const workload = system.workloads[name];
  if (!workload) return `workload "${name}" is not declared; declare it in system.ts`;
  if (workload.kind === "http") return serverEntry(name, workload, portsOf(system, name));
  if (workload.kind === "socket") return socketEntry(system, name, workload);
  const source = sourceOf(system, name);
  const isWorkflow = workload.kind === "workflow";
  if (source?.via !== "queue" && !isWorkflow)
    return `workload "${name}" is not started by a queue; ${
      source ? "place it on a function, which reads streams in order" : "a consumer has no use"
    }`;
  const ports = portsOf(system, name);
  const steps: Part = {
    code: `ecsSteps(${created(ports)}, taskTokens({ name: ${text(name)} }))`,
    imports: [
      ["runtime/entries/ecs/steps.ts", "ecsSteps"],
      ["runtime/adapters/aws/task-tokens.ts", "taskTokens"],
    ],
  };
  const handler: Part = isWorkflow ? steps : { code: created(ports), imports: [] };
  const queue = source?.via === "queue" ? source : undefined;
  const options = [
    `consumer: queueConsumer({ name: ${text(queue?.queue ?? name)}, location: ${envValue(sourceQueueEnv)} })`,
    `handler: ${handler.code}`,
    ...consumingOf(workload, queue),
    // What may take hours is not begun anew because fewer tasks are needed.
    ...(workload.kind === "job" ? ["protection: taskProtection()"] : []),
  ];
  return moduleOf(
    "Container",
    name,
    [
      [`${workload.code}/index.ts`, "create"],
      ["runtime/entries/ecs/consumer.ts", "consume"],
      ["runtime/adapters/aws/queue-consumer.ts", "queueConsumer"],
      ...(workload.kind === "job"
        ? [["runtime/adapters/aws/task-protection.ts", "taskProtection"] as const]
        : []),
      ...ports.imports,
      ...handler.imports,
    ],
    `consume(${objectOf(options)});`,
  );
}

/** Under which name tasks report: a stack gives its own, so that no two stacks' figures are added. */
const metricsOf = (name: string): string =>
  `metrics: { workload: process.env[${text(metricsEnv)}] ?? ${text(name)} }`;

/** A server, which spills what it cannot hold to its twin, where it has one. */
function serverEntry(name: string, workload: Http, ports: Part): Entry {
  const { options, imports } = answeringOf(workload);
  const location = `process.env[${text(twinEnv)}]`;
  const twin = `...(${location} && { twin: twin({ name: ${text(name)}, location: ${location} }) })`;
  const told = [
    ...options,
    `routes: ${JSON.stringify(workload.routes)}`,
    metricsOf(name),
    `admission: { ...admissionFrom(process.env), ${twin} }`,
  ];
  return moduleOf(
    "Container",
    name,
    [
      [`${workload.code}/index.ts`, "create"],
      ["runtime/entries/ecs/http.ts", "ecsHttp"],
      ["runtime/overflow/settings.ts", "admissionFrom"],
      ["runtime/adapters/aws/twin.ts", "twin"],
      ...ports.imports,
      ...imports,
    ],
    `await ecsHttp(${created(ports)}, ${objectOf(told)});`,
  );
}

/** Sockets come through a distribution and a load balancer. */
const proxies = 2;

function socketEntry(system: System, name: string, workload: Socket): Entry {
  const ports = portsOf(system, name);
  const { options, imports } = answeringOf(workload);
  const declared = originsOf(system);
  // The stack's, as the edge has them: an image is the same in all stacks.
  const set = `process.env[${text(originsEnv)}]?.split(",")`;
  const { heartbeatSeconds } = workload;
  const told = [
    `path: ${text(workload.path)}`,
    ...options,
    `origins: ${declared ? `${set} ?? ${JSON.stringify(declared)}` : set}`,
    ...(heartbeatSeconds === undefined ? [] : [`heartbeatSeconds: ${heartbeatSeconds}`]),
    `proxies: ${proxies}`,
    metricsOf(name),
  ];
  return moduleOf(
    "Container",
    name,
    [
      [`${workload.code}/index.ts`, "create"],
      ["runtime/entries/ecs/socket.ts", "ecsSocket"],
      ...ports.imports,
      ...imports,
    ],
    `await ecsSocket(${created(ports)}, ${objectOf(told)});`,
  );
}

/** The pages that may call the edge; `undefined` where it does not say. */
const originsOf = ({ services }: System): readonly string[] | undefined =>
  Object.values(services).find((service) => service.kind === "edge")?.cors?.origins;

/** The entry of a workload's trigger on a function, and what it has to know. */
interface Trigger {
  /** The file of the entry, and its factory. */
  readonly call: readonly [file: string, name: string];
  readonly options: readonly string[];
  readonly imports: Part["imports"];
}

const lambda = (file: string, factory: string): Trigger["call"] => [
  `runtime/entries/lambda/${file}.ts`,
  factory,
];
const decoder = ["runtime/adapters/aws/attributes.ts", "fromAttribute"] as const;

function triggerOf(system: System, name: string, workload: Workload): Trigger {
  const source = sourceOf(system, name);
  if (source === undefined) return calledOf(workload);
  const letters = deadLettersOf(name);
  const imports = letters.imports;
  switch (source.via) {
    case "stream":
      return { call: lambda("records", "lambdaRecords"), options: [letters.code], imports };
    case "changes":
      return {
        call: lambda("changes", "lambdaChanges"),
        options: [`decode: ${decoder[1]}`, letters.code],
        imports: [decoder, ...imports],
      };
    case "queue":
      return {
        call: lambda("messages", "lambdaMessages"),
        options: [
          ...feedingOf(source, workload),
          `maxReceives: ${source.options.maxReceives}`,
          letters.code,
        ],
        imports,
      };
  }
}

/** Workloads that are called, and not started by an event. */
function calledOf(workload: Workload): Trigger {
  if (workload.kind === "workflow")
    return { call: lambda("steps", "lambdaSteps"), options: [], imports: [] };
  if (workload.kind !== "http")
    return { call: lambda("identity", "lambdaIdentity"), options: [], imports: [] };
  return { call: lambda("http", "lambdaHttp"), ...answeringOf(workload) };
}

/** What every host of a workload that clients call has to know. */
function answeringOf({
  auth = "jwt",
  maxBodyBytes,
}: Pick<Http, "auth" | "maxBodyBytes">): Pick<Trigger, "options" | "imports"> {
  const token = Object.entries(tokenEnv).map(
    ([part, variable]) => `${part}: ${envValue(variable)}`,
  );
  return {
    options: [
      `auth: ${text(auth)}`,
      ...(maxBodyBytes === undefined ? [] : [`maxBodyBytes: ${maxBodyBytes}`]),
      ...(auth === "jwt" ? [`verify: tokenVerifier(${objectOf(token)})`] : []),
    ],
    imports: auth === "jwt" ? [["runtime/tokens.ts", "tokenVerifier"]] : [],
  };
}

type QueueSource = Extract<Source, { readonly via: "queue" }>;

/**
 * Objects are held in memory as a whole, and jobs take what they need: these come one at a time, so
 * that the declared memory is for one.
 */
const feedingOf = ({ feed }: QueueSource, { kind }: Workload): string[] => [
  `feed: ${text(feed)}`,
  ...(feed === "objects" || kind === "job" ? ["concurrency: 1"] : []),
];

/** How a container consumes; the steps of a workflow have time limits of their own. */
function consumingOf(workload: Workload, source: QueueSource | undefined): string[] {
  if (source === undefined) return ['feed: "queue"', `visibilitySeconds: ${stepVisibility}`];
  return [
    ...feedingOf(source, workload),
    `batch: ${source.batch}`,
    `visibilitySeconds: ${source.options.visibilitySeconds}`,
    ...(workload.kind === "job" ? [] : [`timeLimitSeconds: ${timeLimitSeconds(workload)}`]),
  ];
}
/** Of the queues that a state machine asks containers by, in seconds at the least. */
const stepVisibility = 180;

const deadLettersOf = (name: string): Part => ({
  code: `deadLetters: deadLetters(${objectOf([`name: ${text(name)}`, `location: ${envValue(deadLettersEnv)}`])})`,
  imports: [["runtime/adapters/aws/dead-letters.ts", "deadLetters"]],
});

const created = (ports: Part): string => `await create(${ports.code})`;
const objectOf = (properties: readonly string[]): string => `{ ${properties.join(", ")} }`;

/** A module of imports, what reads the environment, and a last statement. */
export function moduleOf(
  host: "Function" | "Container",
  name: string,
  imports: Part["imports"],
  last: string,
): Entry {
  const names = new Map(imports);
  const code = [
    ...[...names].map(([file, what]) => `import { ${what} } from ${text(`./${file}`)};`),
    "const env = (name: string): string => {",
    "  const value = process.env[name];",
    `  if (!value) throw new Error('${host} "${name}": ' + name + " is not set; deploy it with its component");`,
    "  return value;",
    "};",
    last,
    "",
  ].join("\n");
  return { code, imports: [...names.keys()] };
}
