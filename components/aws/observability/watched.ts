import * as pulumi from "@pulumi/pulumi";
import { type Http, methods, parseRoute, type System, sourceOf } from "../../../spec/index.ts";
import type { Fault } from "../../shared/validation.ts";
import { type Bindings, bindingOf } from "../bindings.ts";
import type { ContainerService } from "../ContainerService.ts";
import type { EventPipeline } from "../EventPipeline.ts";
import type { WorkloadFunction } from "../Function.ts";
import type { ServerlessEdge } from "../ServerlessEdge.ts";
import type { UserPool } from "../UserPool.ts";
import type { Row } from "./dashboard.ts";
import {
  admissionPanel,
  apiPanels,
  callsPanel,
  coldStartsPanel,
  consumedPanel,
  durationPanel,
  executionsPanel,
  type Panel,
  queuePanel,
  readerPanel,
  routesPanel,
  socketsPanel,
} from "./panels.ts";

/** A service whose tasks may report what they did with requests, or their sockets. */
export type Admitting = Pick<ContainerService, "reportsAs" | "spills">;

/** What is watched; all of it is optional, and what is not given is not looked for. */
export interface WatchArgs {
  readonly system: System;
  /** Names of the workloads that must have a row. Default: all that the components hold */
  readonly workloads?: readonly string[];
  /** Where declared queues are: `DataStores.bindings`. */
  readonly stores?: Bindings;
  readonly edge?: Pick<ServerlessEdge, "api" | "accessLogs" | "functions" | "integrations">;
  readonly users?: Pick<UserPool, "hooks">;
  /** What runs on containers, beside what edge and events hold. */
  readonly core?: { readonly services: Readonly<Record<string, Admitting>> };
  readonly events?: Pick<
    EventPipeline,
    "functions" | "consumers" | "queues" | "deadLetters" | "machines" | "alarms"
  >;
}

/** The workloads that the components hold, in the order of the declaration. */
export function heldBy({ system, edge, users, events, core }: WatchArgs): string[] {
  const held = [
    edge?.integrations,
    users?.hooks,
    events?.functions,
    events?.consumers,
    core?.services,
  ];
  const names = new Set(held.flatMap((each) => Object.keys(each ?? {})));
  return Object.keys(system.workloads).filter((name) => names.has(name));
}

/** Workloads that would have no row, or one without their queue. */
export function watchFaults(args: WatchArgs): Fault[] {
  const held = heldBy(args);
  const missing = (args.workloads ?? []).filter((name) => !held.includes(name));
  return [
    ...missing.map(
      (name) => `workload "${name}": no component holds it; give its edge, users, events or core`,
    ),
    ...held
      .filter((name) => !args.workloads || args.workloads.includes(name))
      .flatMap((name) => {
        const source = sourceOf(args.system, name);
        if (source?.via !== "queue" || source.own) return [];
        return bindingOf(args.stores, source.queue)?.deadLetters
          ? []
          : [
              `workload "${name}": its queue "${source.queue}" is not bound; give stores["${source.queue}"]`,
            ];
      }),
  ];
}

/** A row for the API, and one for each workload. Only for arguments without {@link watchFaults}. */
export const rowsOf = (args: WatchArgs): Row[] => [
  ...(args.edge ? [{ title: "## HTTP API", panels: apiPanels(args.edge.api.id) }] : []),
  ...(args.workloads ?? heldBy(args)).map((name) => {
    const made = functionOf(args, name);
    const onContainer = !made || service(args, name) !== undefined;
    const host = onContainer ? (made ? "container and function" : "container") : "function";
    return {
      title: `## ${name} (${args.system.workloads[name]?.kind}, ${host})`,
      panels: panelsOf(args, name, made),
    };
  }),
];

const functionOf = ({ edge, users, events }: WatchArgs, name: string) =>
  [edge?.functions, users?.hooks, events?.functions].find(
    (held) => held && Object.hasOwn(held, name),
  )?.[name];

const service = ({ core }: WatchArgs, name: string) =>
  core && Object.hasOwn(core.services, name) ? core.services[name] : undefined;

function panelsOf(args: WatchArgs, name: string, made: WorkloadFunction | undefined): Panel[] {
  const { edge, events } = args;
  const machine = events?.machines[name];
  const queue = queueOf(args, name);
  const reported = service(args, name)?.reportsAs;
  const deadLetters = events?.deadLetters[name]?.name ?? queue?.deadLetters;
  return [
    ...(machine ? [executionsPanel(machine.arn)] : []),
    ...(made
      ? [
          callsPanel(made.function.name),
          durationPanel(made.function.name),
          coldStartsPanel(made.logGroup.name),
        ]
      : []),
    ...(!made && edge && Object.hasOwn(edge.integrations, name)
      ? [routesPanel(edge.accessLogs.name, routeKeys(args.system.workloads[name] as Http))]
      : []),
    ...(reported === undefined ? [] : [reportedPanel(args.system, name, reported)]),
    ...(!made && queue ? [consumedPanel(queue.name)] : []),
    ...(queue ? [queuePanel(queue.name, queue.deadLetters)] : []),
    ...(made && !queue && deadLetters ? [readerPanel(made.function.name, deadLetters)] : []),
  ];
}

const reportedPanel = (system: System, name: string, reported: string): Panel =>
  system.workloads[name]?.kind === "socket" ? socketsPanel(reported) : admissionPanel(reported);

/** The queue before a workload, if there is one: its own, or a declared one. */
function queueOf({ system, stores, events }: WatchArgs, name: string) {
  const own = events?.queues[name];
  const dead = events?.deadLetters[name];
  if (own && dead) return { name: own.name, deadLetters: dead.name };
  const source = sourceOf(system, name);
  if (source?.via !== "queue") return undefined;
  const { arn = "", deadLetters } = bindingOf(stores, source.queue) ?? {};
  return { name: nameIn(arn), deadLetters: nameIn(deadLetters?.arn ?? "") };
}

/** The last part of an ARN of SQS. */
const nameIn = (arn: pulumi.Input<string>): pulumi.Output<string> =>
  pulumi.output(arn).apply((text) => text.slice(text.lastIndexOf(":") + 1));

/** As the edge may have written a workload's routes out: ANY also by its methods. */
const routeKeys = ({ routes }: Http): string[] =>
  routes.flatMap((text) => {
    const route = parseRoute(text);
    if (typeof route === "string") return [];
    const each = route.method === "ANY" ? methods : [route.method];
    return each.map((method) => `${method} ${route.path}`);
  });
