import * as pulumi from "@pulumi/pulumi";
import { type Concurrency, type Host, limits } from "../../planner/index.ts";
import {
  envName,
  type System,
  tokenEnv,
  type Use,
  usesOf,
  type Workload,
} from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";
import { type Binding, type Bindings, bindingKey, networkKinds } from "./bindings.ts";
import { isEndpointKind, type Network } from "./network.ts";
import { isGrantable, needsArn } from "./permissions.ts";

/** What is needed to run a workload as a function; see {@link WorkloadFunction}. */
export interface FunctionPlan {
  readonly system: System;
  readonly workload: string;
  readonly stores?: Bindings;
  readonly network?: Network;
  readonly concurrency?: Partial<Pick<Concurrency, "reserved" | "provisioned">>;
  /** Needed by workloads that check tokens. */
  readonly tokens?: TokenIssuer;
}

/** A function's code: a zip with `index.handler`, as {@link Artefact} is one, or an image. */
export type Code =
  | { readonly archive: string; readonly image?: undefined }
  | { readonly image: pulumi.Input<string>; readonly archive?: undefined };

/** Who signs the access tokens that are accepted. A {@link UserPool} is one. */
export interface TokenIssuer {
  readonly issuer: pulumi.Input<string>;
  /** The app client's id: the tokens' audience. */
  readonly clientId: pulumi.Input<string>;
  /** Default: the issuer's `/.well-known/jwks.json` */
  readonly jwks?: pulumi.Input<string>;
}

/** Whether a workload's routes need an access token. */
export const checksTokens = (workload: Workload): boolean =>
  workload.kind === "http" && (workload.auth ?? "jwt") === "jwt";

/** Shortest time limit, in seconds: Lambda's own default, room for a slow first connection. */
const shortestTimeout = 3;
/** How far beyond p99 a run is given up, where its declaration names no maximum. */
const patience = 3;
const smallestMemory = 128;

/** The time limit of a workload's function, in seconds: its maximum, else three times its p99. */
export function timeoutOf({ kind, load: { ms } }: Workload): number {
  const wanted = Math.ceil((ms.max ?? ms.p99 * patience) / 1000);
  const longest = { http: limits.gatewayMs, onIdentity: limits.hookMs }[kind as string];
  return Math.min(Math.max(wanted, shortestTimeout), (longest ?? limits.functionMs) / 1000);
}

/** Memory of a workload's function, in MB. */
export const memoryOf = ({ load }: Workload): number =>
  Math.max(smallestMemory, Math.ceil(load.memoryMb));

/** Uses that make a function join the network. */
export const networkUses = (uses: readonly Use[]): Use[] =>
  uses.filter((use) => networkKinds.includes(use.kind));

/** AWS APIs that a function in the network must reach: those it uses, and the keys of its tokens. */
export function endpointsOf(workload: Workload, uses: readonly Use[]) {
  const kinds = uses.map((use) => use.kind).filter(isEndpointKind);
  return [...new Set(checksTokens(workload) ? [...kinds, "identity" as const] : kinds)];
}

/** A use, and where that resource is. */
export type Bound = Use & { readonly binding: Binding };

/** The environment of a workload's function: where its resources are, and whose tokens count. */
export function variablesOf(workload: Workload, uses: readonly Bound[], tokens?: TokenIssuer) {
  const locations = uses.map((use): [string, pulumi.Input<string>] => [
    envName(use),
    use.binding.location,
  ]);
  const { issuer, clientId, jwks } = tokens ?? {};
  return {
    ...Object.fromEntries(locations),
    ...(checksTokens(workload) &&
      issuer &&
      clientId && {
        [tokenEnv.issuer]: issuer,
        [tokenEnv.audience]: clientId,
        [tokenEnv.jwks]: jwks ?? pulumi.interpolate`${issuer}/.well-known/jwks.json`,
      }),
  };
}

/** Everything that keeps a workload from running as a function here. */
export function functionFaults(plan: FunctionPlan): Fault[] {
  const workload = plan.system.workloads[plan.workload];
  if (!workload)
    return [
      `workload "${plan.workload}" is not declared; use one of ${Object.keys(plan.system.workloads).join(", ")}`,
    ];
  const uses = usesOf(plan.system, plan.workload);
  return [
    ...loadFaults(workload),
    ...(checksTokens(workload) && !plan.tokens
      ? ['needs a token but no issuer is given; give userPool, or say auth: "none"']
      : []),
    ...concurrencyFaults(plan.concurrency),
    ...uses.flatMap((use) => useFaults(use, plan.stores ?? {})),
    ...networkFaults(workload, uses, plan.network),
  ].map((fault) => `workload "${plan.workload}": ${fault}`);
}

/** What is wrong with the code that is given for a workload on a function. */
export function codeFaults(
  workload: string,
  artefacts: Readonly<Record<string, Code>>,
  host: Host = "function",
): Fault[] {
  const code = Object.hasOwn(artefacts, workload) ? artefacts[workload] : undefined;
  const part = host === "function-image" ? "image" : "archive";
  if (!code)
    return [
      `workload "${workload}": no code is given; give artefacts["${workload}"], or leave it out of workloads`,
    ];
  return code[part] === undefined
    ? [
        `workload "${workload}": placed on ${host}, without ${part}; give artefacts["${workload}"].${part}`,
      ]
    : [];
}

function loadFaults(workload: Workload): Fault[] {
  const { ms, memoryMb } = workload.load;
  const longest = ms.max ?? ms.p99;
  const [limit, host] =
    workload.kind === "http"
      ? [limits.gatewayMs, "behind the HTTP API"]
      : workload.kind === "onIdentity"
        ? [limits.hookMs, "as an identity hook"]
        : [limits.functionMs, "as a function"];
  const faults: Fault[] = [];
  if (longest > limit)
    faults.push(
      `load of ${longest} ms is over the ${limit} ms ${host}; shorten it, or place it on a container`,
    );
  if (memoryMb > limits.functionMemoryMb)
    faults.push(
      `load.memoryMb ${memoryMb} is over a function's ${limits.functionMemoryMb}; place it on a container`,
    );
  if (workload.kind === "http" && (workload.maxBodyBytes ?? 0) > limits.functionBodyBytes)
    faults.push(
      `maxBodyBytes ${workload.maxBodyBytes} is over the ${limits.functionBodyBytes} of a function's call; let clients upload to an object store`,
    );
  return faults;
}

function concurrencyFaults(concurrency: FunctionPlan["concurrency"]): Fault[] {
  const { reserved, provisioned } = concurrency ?? {};
  const whole = (what: string, value: number | undefined, min: number): Fault[] =>
    value === undefined || (Number.isInteger(value) && value >= min)
      ? []
      : [`${what} concurrency ${value}; use a whole number from ${min}`];
  return [
    ...whole("reserved", reserved, 0),
    ...whole("provisioned", provisioned, 1),
    ...(reserved !== undefined && provisioned !== undefined && provisioned > reserved
      ? [`provisioned concurrency ${provisioned} is over the reserved ${reserved}; reserve more`]
      : []),
  ];
}

function useFaults(use: Use, stores: Bindings): Fault[] {
  const what = `uses ${use.kind} "${use.name}"`;
  const key = bindingKey(use);
  const binding = Object.hasOwn(stores, key) ? stores[key] : undefined;
  if (!isGrantable(use.kind))
    return [`${what}, for which functions have no permissions yet; place it on a container`];
  if (!binding) return [`${what}, which is not bound; give stores["${key}"]`];
  if (binding.kind !== use.kind)
    return [`${what}, which is bound to a ${binding.kind}; give a ${use.kind}`];
  const inNetwork = networkKinds.includes(use.kind);
  const lacks = [
    ...(needsArn(use) && binding.arn === undefined ? ["arn"] : []),
    ...(inNetwork && binding.securityGroupId === undefined ? ["securityGroupId"] : []),
    ...(inNetwork && binding.port === undefined ? ["port"] : []),
  ];
  return lacks.map(
    (part) => `${what}, whose binding has no ${part}; give stores["${key}"].${part}`,
  );
}

function networkFaults(
  workload: Workload,
  uses: readonly Use[],
  network: Network | undefined,
): Fault[] {
  const [first] = networkUses(uses);
  if (!first) return [];
  if (!network)
    return [`uses ${first.kind} "${first.name}", which is inside a network; give network`];
  return endpointsOf(workload, uses)
    .filter((kind) => !network.endpoints?.[kind])
    .map(
      (kind) =>
        `runs inside the network for ${first.kind} "${first.name}", which has no door to ${kind}; give network.endpoints.${kind}`,
    );
}
