import { pathToFileURL } from "node:url";
import {
  declaredEdge,
  type Http,
  type Socket,
  type System,
  sourceOf,
  tokenEnv,
  type Workload,
  type WorkloadKind,
} from "../../spec/index.ts";
import { consumingOf } from "../consuming.ts";
import { ownFile, type Part, portsPart, text } from "./ports.ts";

/** Where a program finds its function twin's bundle: beside itself. */
export const twinFile = "function.mjs";

/** Kinds of workloads that answer on a port: the gateway leads to their replicas. */
export const listensOn: readonly WorkloadKind[] = ["http", "socket"];

export interface EntryOptions {
  /** Whether caches are on a server of the Redis protocol. */
  readonly redis: boolean;
  /** Whether what the server cannot hold goes to a function with the same code. */
  readonly twin?: boolean;
}

/**
 * The program of a workload's own process: its `create` with this machine's adapters of the ports
 * that it declares, behind the same entry as in its container on AWS. The text of a module.
 * @returns `undefined` for what has no process of its own
 */
export function programOf(
  system: System,
  name: string,
  { redis, twin }: EntryOptions,
): string | undefined {
  const workload = system.workloads[name] as Workload;
  const ports = portsPart(system, name, redis);
  const main = mainOf(system, name, workload, twin ?? false);
  return main && moduleOf(workload, ports, main, true);
}

/** The function with the same code as a server: what is deployed as its twin, with local adapters. */
export function functionOf(system: System, name: string, { redis }: EntryOptions): string {
  const workload = system.workloads[name] as Http;
  return moduleOf(workload, portsPart(system, name, redis), {
    code: `export const handler = lambdaHttp(await created(create, ports, "app"), ${answering(workload)});`,
    imports: [[ownFile("runtime/entries/lambda/http.ts"), "lambdaHttp"], ...tokens(workload)],
  });
}

function mainOf(system: System, name: string, workload: Workload, twin: boolean): Part | undefined {
  if (workload.kind === "http") return serverOf(name, workload, twin);
  if (workload.kind === "socket") return socketsOf(system, workload);
  const source = sourceOf(system, name);
  if (source?.via !== "queue") return undefined;
  const { queue, options } = source;
  const consumer = `queueConsumer({ name: ${text(queue)}, boss, options: ${text(options)} })`;
  return {
    code: `work({ ...${text(consumingOf(system, name, source))}, consumer: ${consumer}, handler: await created(create, ports, "handler") });`,
    imports: [
      [ownFile("local/programs/worker.ts"), "work"],
      [ownFile("runtime/adapters/local/queue.ts"), "queueConsumer"],
    ],
    boss: true,
  };
}

function serverOf(name: string, workload: Http, twin: boolean): Part {
  const worker = pathToFileURL(ownFile("runtime/adapters/local/twin-worker.ts")).href;
  const spills = `twin: { module: new URL(${text(`./${twinFile}`)}, import.meta.url).href, worker: ${text(worker)} }`;
  const options = [`name: ${text(name)}`, `...${answering(workload)}`, ...(twin ? [spills] : [])];
  return {
    code: `await serveHttp(await created(create, ports, "app"), { ${options.join(", ")} });`,
    imports: [[ownFile("local/programs/server.ts"), "serveHttp"], ...tokens(workload)],
  };
}

/** The pages that the edge names may open sockets; the gateway is the one proxy in front. */
function socketsOf(system: System, workload: Socket): Part {
  const { path, heartbeatSeconds } = workload;
  const origins = declaredEdge(system)?.cors?.origins;
  const plain = {
    ...{ path, port: 0, host: "127.0.0.1", proxies: 1 },
    ...(origins && { origins }),
    ...(heartbeatSeconds !== undefined && { heartbeatSeconds }),
  };
  const options = `{ ...${text(plain)}, ...${checking(workload)} }`;
  return {
    code: [
      `const server = await ecsSocket(await created(create, ports, "sockets"), ${options});`,
      'tell({ kind: "ready", port: server.port });',
    ].join("\n"),
    imports: [
      [ownFile("runtime/entries/ecs/socket.ts"), "ecsSocket"],
      [ownFile("local/programs/lifeline.ts"), "tell"],
      ...tokens(workload),
    ],
  };
}

/** What every host of an HTTP workload has to know. */
function answering(workload: Http): string {
  const { maxBodyBytes, routes } = workload;
  const plain = { routes, ...(maxBodyBytes !== undefined && { maxBodyBytes }) };
  return `{ ...${text(plain)}, ...${checking(workload)} }`;
}

/** How tokens are checked. */
function checking({ auth = "jwt" }: Http | Socket): string {
  const env = (variable: string) => `process.env[${text(variable)}] ?? ""`;
  const token = Object.entries(tokenEnv).map(([part, variable]) => `${part}: ${env(variable)}`);
  const verify = `verify: tokenVerifier({ ${token.join(", ")} })`;
  return `{ auth: ${text(auth)}${auth === "jwt" ? `, ${verify}` : ""} }`;
}

const tokens = ({ auth = "jwt" }: Http | Socket): Part["imports"] =>
  auth === "jwt" ? [[ownFile("runtime/tokens.ts"), "tokenVerifier"]] : [];

/** @param isProgram whether it has a host that it tells of itself */
function moduleOf({ code }: Workload, ports: Part, main: Part, isProgram = false): string {
  const boss = ports.boss || main.boss;
  // Its own, that of pg-boss, and those of the adapters.
  const pools = 1 + (boss ? 1 : 0) + (ports.pools ?? 0);
  const imports: Part["imports"] = [
    [`./${code}/index.ts`, "create"],
    [ownFile("local/programs/world.ts"), "openWorld"],
    [ownFile("local/programs/created.ts"), "created"],
    ...(boss ? ([[ownFile("runtime/adapters/local/boss.ts"), "openBoss"]] as const) : []),
    ...ports.imports,
    ...main.imports,
  ];
  const lines = imports.map(([file, what]) => `import { ${what} } from ${text(file)};`);
  return [
    // First: it hears of what fails while the others are loaded.
    ...(isProgram ? [`import ${text(ownFile("local/programs/lifeline.ts"))};`] : []),
    ...new Set(lines),
    `const world = openWorld(${pools});`,
    ...(boss ? [openBoss] : []),
    `const ports = ${ports.code};`,
    main.code,
    "",
  ].join("\n");
}

const openBoss =
  "const boss = await openBoss(world.pool, { supervise: false, connections: world.connections });";
