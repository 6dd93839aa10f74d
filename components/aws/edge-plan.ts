import * as pulumi from "@pulumi/pulumi";
import { type Host, limits } from "../../planner/index.ts";
import {
  type Cors,
  declaredEdge,
  type Http,
  methods,
  parseRoute,
  type Route,
  type System,
  type Throttle,
} from "../../spec/index.ts";
import { corsFault, type Fault, plainFaults, retentionFault } from "../shared/validation.ts";
import type { Binding, Bindings } from "./bindings.ts";
import type { WorkloadFunction } from "./Function.ts";
import { checksTokens, codeFaults, functionFaults, type TokenIssuer } from "./function-plan.ts";
import { type Hosting, hostOf, isFunction } from "./hosting.ts";

/** Where a workload on containers listens: a load balancer's listener inside the network. */
export interface Listener {
  /** Of one that leads to the workload's function as well: asked for once that is there. */
  readonly listenerArn: pulumi.Input<string> | ((beside: WorkloadFunction) => pulumi.Input<string>);
  /** Guards the load balancer; it is opened for the edge's link. */
  readonly securityGroupId: pulumi.Input<string>;
  readonly port: pulumi.Input<number>;
  /** With a TLS listener: the name that its certificate must have. */
  readonly serverName?: pulumi.Input<string>;
}

/** What decides about an edge; all plain but what is marked as Input. */
export interface EdgePlanArgs extends Omit<Hosting, "transform"> {
  /** Names of the http workloads that are served. Default: all */
  readonly workloads?: readonly string[];
  /** Who signs the tokens of routes with auth "jwt". */
  readonly userPool?: TokenIssuer;
  /** Listeners of the workloads on containers. With them, network is needed. */
  readonly listeners?: Readonly<Record<string, Listener>>;
  /** Of those on containers, the ones with a function beside: for overflow, or while they are split. */
  readonly twins?: readonly string[];
  /** Default: the system's own, of its edge */
  readonly cors?: Cors;
}

/** One route of the HTTP API. */
export interface PlannedRoute {
  /** `GET /users/{id}` */
  readonly key: string;
  readonly workload: string;
  readonly auth: "jwt" | "none";
  /** Where it differs from the edge's. */
  readonly throttle?: Throttle;
  /** `GET/users/*`: what an invocation's source ARN ends in. */
  readonly source: string;
}

export interface EdgePlan {
  readonly functions: readonly string[];
  /** Functions beside containers: requests reach them by the listener, or from the tasks. */
  readonly twins: readonly string[];
  readonly listeners: readonly string[];
  readonly routes: readonly PlannedRoute[];
  readonly cors?: Cors;
  readonly throttle: Throttle;
}

/** A function's resource policy has at most 20,480 bytes: room for so many routes of one workload. */
const maxRoutesPerFunction = 50;

const httpWorkloads = (system: System): string[] =>
  Object.entries(system.workloads)
    .filter(([, workload]) => workload.kind === "http")
    .map(([name]) => name);

/** What an edge is made of. Only for arguments without {@link edgeFaults}. */
export function planEdge(args: EdgePlanArgs): EdgePlan {
  const { system } = args;
  const names = args.workloads ?? httpWorkloads(system);
  const edge = declaredEdge(system);
  const cors = args.cors ?? edge?.cors;
  return {
    functions: names.filter((name) => isFunction(hostOf(args, name))),
    twins: names.filter((name) => hasTwin(args, name)),
    listeners: names.filter((name) => !isFunction(hostOf(args, name))),
    routes: names.flatMap((name) =>
      routesOf(name, system.workloads[name] as Http, cors !== undefined),
    ),
    ...(cors && { cors }),
    throttle: edge?.throttle ?? { perSecond: 100, burst: 200 },
  };
}

const hasTwin = (args: EdgePlanArgs, name: string): boolean =>
  !isFunction(hostOf(args, name)) && (args.twins ?? []).includes(name);

/** Whether a workload's requests are split by its listener. */
export const isSplit = ({ listeners = {} }: EdgePlanArgs, name: string): boolean =>
  Object.hasOwn(listeners, name) && typeof listeners[name]?.listenerArn === "function";

function routesOf(workload: string, spec: Http, hasCors: boolean): PlannedRoute[] {
  const { auth = "jwt", throttle } = spec;
  return spec.routes.flatMap((text) => {
    const route = parseRoute(text) as Route;
    // An ANY route with a token would catch preflights, which carry none: written out without OPTIONS.
    const writtenOut = route.method === "ANY" && auth === "jwt" && hasCors;
    const each = writtenOut
      ? methods.filter((m) => m !== "ANY" && m !== "OPTIONS")
      : [route.method];
    return each.map((method) => ({
      key: `${method} ${route.path}`,
      workload,
      auth,
      ...(throttle && { throttle }),
      source: `${method === "ANY" ? "*" : method}${route.path.replace(/\{[^}]+\}/g, "*")}`,
    }));
  });
}

/** Everything that keeps an edge from being deployed. */
export function edgeFaults(args: EdgePlanArgs): Fault[] {
  const { system } = args;
  const names = args.workloads ?? httpWorkloads(system);
  const cors = args.cors ?? declaredEdge(system)?.cors;
  return [
    ...(names.length > 0 ? [] : ["no http workload; declare one in system.ts"]),
    ...(names.length > limits.gatewayIntegrations
      ? [
          `${names.length} workloads, over the ${limits.gatewayIntegrations} integrations of an HTTP API; use two edges, each with its own workloads`,
        ]
      : []),
    ...plainFaults(cors, corsFault),
    ...plainFaults(args.logRetentionDays, retentionFault),
    ...names.flatMap((name) => workloadFaults(args, name)),
  ];
}

function workloadFaults(args: EdgePlanArgs, name: string): Fault[] {
  const { system, listeners = {} } = args;
  const say = (fault: Fault): Fault[] => [`workload "${name}": ${fault}`];
  const workload = Object.hasOwn(system.workloads, name) ? system.workloads[name] : undefined;
  if (!workload) return say(`it is not declared; use ${httpWorkloads(system).join(", ")}`);
  if (workload.kind !== "http") return say(`kind ${workload.kind}; give workloads of kind http`);
  const host = hostOf(args, name);
  if (!isFunction(host))
    return [
      ...(Object.hasOwn(listeners, name)
        ? []
        : say(`placed on ${host}, and no listener is given; give listeners["${name}"]`)),
      ...(args.network ? [] : say("has a listener, but no network is given; give network")),
      ...((workload.maxBodyBytes ?? 0) > limits.gatewayBodyBytes
        ? say(
            `maxBodyBytes ${workload.maxBodyBytes} is over the HTTP API's ${limits.gatewayBodyBytes}; let clients upload to an object store`,
          )
        : []),
      ...((workload.load.ms.max ?? workload.load.ms.p99) > limits.gatewayMs
        ? say(
            `load of ${workload.load.ms.max ?? workload.load.ms.p99} ms is over the HTTP API's ${limits.gatewayMs}; answer 202 and work behind a queue`,
          )
        : []),
      ...(checksTokens(workload) && !args.userPool
        ? say('needs a token but no issuer is given; give userPool, or say auth: "none"')
        : []),
      ...(isSplit(args, name) && !hasTwin(args, name)
        ? say("its listener leads to a function as well; name it among twins")
        : []),
      ...(hasTwin(args, name) ? asFunctionFaults(args, name, workload) : []),
    ];
  return asFunctionFaults(args, name, workload, host);
}

/** What keeps a workload from being a function of the edge, be it beside a container. */
function asFunctionFaults(
  args: EdgePlanArgs,
  name: string,
  workload: Http,
  host: Host = "function",
): Fault[] {
  const { placements, artefacts = {} } = args;
  const say = (fault: Fault): Fault[] => [`workload "${name}": ${fault}`];
  const routes = routesOf(name, workload, true).length;
  return [
    ...codeFaults(name, artefacts, host),
    ...(routes > maxRoutesPerFunction
      ? say(
          `${routes} routes, over the ${maxRoutesPerFunction} that its resource policy holds; join some with {rest+}`,
        )
      : []),
    ...functionFaults({
      ...args,
      workload: name,
      stores: { ...args.stores, ...serviceBindings(args, unmade) },
      tokens: args.userPool,
      concurrency: placements?.[name]?.concurrency,
    }),
  ];
}

/** Stands for an edge that is not made yet: that something is bound is all that is looked at. */
const unmade = { url: "", apiId: "", alarmPrefix: "" };

/** What is known of an edge once it is made. */
interface MadeEdge {
  readonly url: pulumi.Input<string>;
  readonly apiId: pulumi.Input<string>;
  /** How the names of the stack's alarms begin. */
  readonly alarmPrefix: string;
}

/** The edge's URL, the app client's id and the API's metrics, which workloads may use as well. */
export function serviceBindings(
  { system, userPool }: Pick<EdgePlanArgs, "system" | "userPool">,
  { url, apiId, alarmPrefix }: MadeEdge,
): Bindings {
  const bindings: Record<string, Binding> = {};
  for (const [name, { kind }] of Object.entries(system.services)) {
    if (kind === "edge") bindings[name] = { kind, location: url };
    if (kind === "identity" && userPool) bindings[name] = { kind, location: userPool.clientId };
    if (kind === "metrics")
      bindings[name] = { kind, location: pulumi.jsonStringify({ apiId, alarmPrefix }) };
  }
  return bindings;
}

/** The listener of a workload on containers; {@link edgeFaults} has seen that there is one. */
export const listenerOf = (args: EdgePlanArgs, workload: string): Listener =>
  args.listeners?.[workload] as Listener;

/** A throttle as a stage takes it. */
export const limitsOf = ({ perSecond, burst }: Throttle) => ({
  throttlingRateLimit: perSecond,
  throttlingBurstLimit: burst,
});

/** CORS as an API takes it. Where methods are not named, they are those of the routes. */
export function corsConfiguration(cors: Cors, routes: readonly PlannedRoute[]) {
  const used = routes.map(({ key }) => key.slice(0, key.indexOf(" ")));
  const own = used.includes("ANY") ? methods.filter((method) => method !== "ANY") : new Set(used);
  return {
    allowOrigins: [...cors.origins],
    allowMethods: [...(cors.methods ?? own)],
    allowHeaders: [...(cors.headers ?? ["authorization", "content-type"])],
    ...(cors.credentials && { allowCredentials: true }),
    ...(cors.maxAgeSeconds !== undefined && { maxAge: cors.maxAgeSeconds }),
  };
}

/** One line of JSON a request. Values that a client chooses are left to the functions' logs. */
export const accessLogFormat = JSON.stringify({
  requestId: "$context.requestId",
  time: "$context.requestTime",
  ip: "$context.identity.sourceIp",
  routeKey: "$context.routeKey",
  status: "$context.status",
  bytes: "$context.responseLength",
  ms: "$context.responseLatency",
  integrationMs: "$context.integrationLatency",
  integrationStatus: "$context.integrationStatus",
  subject: "$context.authorizer.claims.sub",
  authorizerError: "$context.authorizer.error",
});
