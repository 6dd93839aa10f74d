import * as pulumi from "@pulumi/pulumi";
import { type Concurrency, type Host, limits } from "../../planner/index.ts";
import {
  envName,
  type System,
  sourceOf,
  timeLimitSeconds,
  tokenEnv,
  type Use,
  usesOf,
  type Workload,
} from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";
import { type Bindings, type Bound, bindingKey, bindingOf, networkKinds } from "./bindings.ts";
import { needsArn } from "./grants.ts";
import type { Statement } from "./permissions.ts";
import {
  type Calls,
  isEndpointKind,
  type NetworkPlace,
  outsideKinds,
  type Reach,
  reachFaults,
} from "./security-groups.ts";

/** What the source of a workload's events needs, beyond the workload's own uses. */
export interface Feeding {
  readonly statements: pulumi.Input<readonly Statement[]>;
  readonly variables: Readonly<Record<string, pulumi.Input<string>>>;
  /** ARN of the queue for what no try could handle. */
  readonly deadLettersArn: pulumi.Input<string>;
}

/** What is needed to run a workload as a function; see {@link WorkloadFunction}. */
export interface FunctionPlan {
  readonly system: System;
  readonly workload: string;
  readonly stores?: Bindings;
  readonly network?: NetworkPlace;
  readonly concurrency?: Partial<Pick<Concurrency, "reserved" | "provisioned">>;
  /** Needed by workloads that check tokens. */
  readonly tokens?: TokenIssuer;
  /** Of a workload that is started by events. */
  readonly feeding?: Feeding;
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

/** Whether a workload's routes, or its socket, need an access token. */
export const checksTokens = (workload: Workload): boolean =>
  (workload.kind === "http" || workload.kind === "socket") && (workload.auth ?? "jwt") === "jwt";

const smallestMemory = 128;

/**
 * The time limit of a workload's function, in seconds: its own, within what its caller waits for;
 * of a workflow the longest of its steps'.
 */
export function timeoutOf(workload: Workload): number {
  if (workload.kind === "workflow") {
    const steps = [...workload.steps, ...(workload.compensations ?? [])];
    const longest = Math.ceil(Math.max(...steps.map((step) => step.timeoutSeconds)));
    return Math.min(longest, limits.functionMs / 1000);
  }
  const callers = { http: limits.gatewayMs, onIdentity: limits.hookMs }[workload.kind as string];
  return Math.min(timeLimitSeconds(workload), (callers ?? limits.functionMs) / 1000);
}

/** Memory of a workload's function, in MB. */
export const memoryOf = ({ load }: Workload): number =>
  Math.max(smallestMemory, Math.ceil(load.memoryMb));

/** Uses that make a function join the network. */
export const networkUses = (uses: readonly Use[]): Use[] =>
  uses.filter((use) => networkKinds.includes(use.kind));

/**
 * What a workload in the network must reach: the AWS APIs that it uses, the keys of its tokens, the
 * dead letters of its events, and the servers of others.
 */
export function callsOf(system: System, workload: string): Calls {
  const spec = system.workloads[workload] as Workload;
  const uses = usesOf(system, workload);
  return {
    kinds: [
      ...new Set([
        ...uses.map((use) => use.kind).filter(isEndpointKind),
        ...(checksTokens(spec) ? ["identity" as const] : []),
        ...(sourceOf(system, workload) ? ["queue" as const] : []),
      ]),
    ],
    outside: uses.filter((use) => outsideKinds.includes(use.kind)),
  };
}

/** Where a host has the certificates of Amazon's authorities (AWS Lambda Developer Guide, 2026). */
export const lambdaCertificates = "/var/runtime/ca-cert.pem";
/** The same in the image of containers: see components/shared/container/Dockerfile. */
export const imageCertificates = "/app/certificates/rds.pem";

/**
 * The environment of a workload: where its resources are, and whose tokens count.
 * @param trusted file with the certificates of the database's authority. Default: Lambda's
 */
export function variablesOf(
  workload: Workload,
  uses: readonly Bound[],
  tokens?: TokenIssuer,
  trusted = lambdaCertificates,
) {
  const locations = uses.map((use): [string, pulumi.Input<string>] => [
    envName(use),
    use.binding.location,
  ]);
  const { issuer, clientId, jwks } = tokens ?? {};
  return {
    ...Object.fromEntries(locations),
    // RDS's certificates are signed by an authority of its own, which Node does not know.
    ...(uses.some(({ kind }) => kind === "sql") && { NODE_EXTRA_CA_CERTS: trusted }),
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
    ...uses.flatMap((use) => useFaults(use, plan.stores)),
    ...networkFaults(plan),
  ].map((fault) => `workload "${plan.workload}": ${fault}`);
}

/** What a workload uses and nothing is bound to, or what is bound of another kind. */
export const bindingFaults = (system: System, workload: string, stores?: Bindings): Fault[] =>
  usesOf(system, workload)
    .flatMap((use) => useFaults(use, stores))
    .map((fault) => `workload "${workload}": ${fault}`);

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
  const steps =
    workload.kind === "workflow"
      ? [...workload.steps, ...(workload.compensations ?? [])].map((s) => s.timeoutSeconds * 1000)
      : undefined;
  const longest = steps ? Math.max(...steps) : (ms.max ?? ms.p99);
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

function useFaults(use: Use, stores?: Bindings): Fault[] {
  const what = `uses ${use.kind} "${use.name}"`;
  const key = bindingKey(use);
  const binding = bindingOf(stores, key);
  if (!binding) return [`${what}, which is not bound; give stores["${key}"]`];
  if (binding.kind !== use.kind)
    return [`${what}, which is bound to a ${binding.kind}; give a ${use.kind}`];
  const inNetwork = networkKinds.includes(use.kind);
  const lacks = [
    ...(needsArn(use) && binding.arn === undefined ? ["arn"] : []),
    ...(use.kind === "scheduler" && binding.roleArn === undefined ? ["roleArn"] : []),
    ...(use.kind === "cache" && binding.userArn === undefined ? ["userArn"] : []),
    ...(inNetwork && binding.securityGroupId === undefined ? ["securityGroupId"] : []),
    ...(inNetwork && binding.port === undefined ? ["port"] : []),
  ];
  return lacks.map(
    (part) => `${what}, whose binding has no ${part}; give stores["${key}"].${part}`,
  );
}

/** What keeps a workload on a function from what it uses inside a network, and from the rest there. */
export function networkFaults({
  system,
  workload,
  network,
}: Pick<FunctionPlan, "system" | "workload"> & { readonly network?: Reach }): Fault[] {
  const [first] = networkUses(usesOf(system, workload));
  if (!first) return [];
  if (!network)
    return [`uses ${first.kind} "${first.name}", which is inside a network; give network`];
  return reachFaults(callsOf(system, workload), `for ${first.kind} "${first.name}"`, network);
}
