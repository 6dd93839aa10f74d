import { access, type ResourceKind, verbsOf } from "./access.ts";
import type { System } from "./declaration.ts";
import { loadShapes } from "./load.ts";
import { parseRoute, routeKey } from "./routes.ts";
import {
  channelFaults,
  isFolder,
  nativeFaults,
  serviceFaults,
  storeFaults,
} from "./validate-resources.ts";
import {
  type Kinds,
  positiveFaults,
  sharedTriggerFaults,
  triggerFaults,
} from "./validate-triggers.ts";
import { identityHooks, type Workload } from "./workloads.ts";

type Fault = string;

const namePattern = /^[a-z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*$/;
const maxNameLength = 40;

/**
 * Everything that is wrong with a system, each fault with its workload, the value that was given
 * and what to do. Empty for a sound one.
 */
export function faultsOf(system: System): Fault[] {
  const kinds = kindsOf(system);
  const workloads = Object.entries(system.workloads);
  return [
    ...nameFaults(system),
    ...serviceFaults(system),
    ...channelFaults(system),
    ...storeFaults(system),
    ...nativeFaults(system),
    ...workloads.flatMap(([name, workload]) =>
      [
        ...codeFaults(workload),
        ...useFaults(system, kinds, workload),
        ...loadFaults(workload),
        ...triggerFaults(system, kinds, workload),
      ].map((fault) => `workload "${name}": ${fault}`),
    ),
    ...routeFaults(system),
    ...hookFaults(system),
    ...sharedTriggerFaults(system),
  ];
}

function kindsOf(system: System): Kinds {
  const kinds = new Map<string, ResourceKind>();
  for (const group of [system.stores, system.channels, system.services, system.natives])
    for (const [name, resource] of Object.entries(group)) kinds.set(name, resource.kind);
  for (const [name, workload] of Object.entries(system.workloads))
    if (workload.kind === "workflow") kinds.set(name, "workflow");
  return kinds;
}

function nameFaults(system: System): Fault[] {
  const groups: [string, readonly string[]][] = [
    ["system", [system.name]],
    ["store", Object.keys(system.stores)],
    ["channel", Object.keys(system.channels)],
    ["service", Object.keys(system.services)],
    ["native", Object.keys(system.natives)],
    ["secret", system.secrets],
    ["workload", Object.keys(system.workloads)],
  ];
  const faults = groups.flatMap(([group, names]) =>
    names.flatMap((name) => {
      if (name === "secrets")
        return [`${group} "secrets": the name is taken by uses.secrets; choose another`];
      if (!namePattern.test(name))
        return [
          `${group} "${name}": start with a small letter, then letters, digits and single "-"`,
        ];
      if (name.length > maxNameLength)
        return [
          `${group} "${name}": ${name.length} characters; use at most ${maxNameLength}, cloud names are cut from it`,
        ];
      return [];
    }),
  );
  // One name is one port, one variable, one resource: they may not differ by case or "-" alone.
  const seen = new Map<string, string>();
  const workflows = Object.entries(system.workloads).filter(([, w]) => w.kind === "workflow");
  const usable = [
    ...Object.keys(system.stores).map((n) => ["store", n]),
    ...Object.keys(system.channels).map((n) => ["channel", n]),
    ...Object.keys(system.services).map((n) => ["service", n]),
    ...Object.keys(system.natives).map((n) => ["native", n]),
    ...workflows.map(([n]) => ["workflow", n]),
    ...Object.keys(system.workloads)
      .filter((n) => hasOwnQueue(system.workloads[n]))
      .map((n) => ["workload", n]),
  ] as [string, string][];
  for (const [group, name] of usable) {
    const key = name.replaceAll("-", "").toLowerCase();
    const other = seen.get(key);
    if (other) faults.push(`${group} "${name}": ${other} has the same name; rename one`);
    else seen.set(key, `${group} "${name}"`);
  }
  return [
    ...faults,
    ...twinFaults("secret", system.secrets),
    ...twinFaults("workload", Object.keys(system.workloads)),
  ];
}

/** A queue of its own has its workload's name. */
const hasOwnQueue = (workload: Workload | undefined): boolean =>
  workload?.kind === "onObject" ||
  workload?.kind === "onSchedule" ||
  (workload?.kind === "onMessage" && workload.queue === undefined);

function twinFaults(group: string, names: readonly string[]): Fault[] {
  const keys = names.map((name) => name.replaceAll("-", "").toLowerCase());
  return names.flatMap((name, index) =>
    keys.indexOf(keys[index] as string) < index
      ? [`${group} "${name}": another ${group} has the same name; rename one`]
      : [],
  );
}

function codeFaults(workload: Workload): Fault[] {
  return isFolder(workload.code)
    ? packageFaults(workload)
    : [`code "${workload.code}"; give a folder from the project's root, such as "functions/users"`];
}

const packageFaults = ({ packages = [] }: Workload): Fault[] =>
  packages
    .filter((name) => !/^(@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/.test(name))
    .map((name) => `package "${name}"; give the name of an npm package, such as "sharp"`);

function useFaults(system: System, kinds: Kinds, workload: Workload): Fault[] {
  return Object.entries(workload.uses ?? {}).flatMap(([name, given]) => {
    if (name === "secrets")
      return Array.isArray(given)
        ? given
            .filter((secret) => !system.secrets.includes(secret))
            .map((secret) => `uses secret "${secret}", which is not declared; add it to secrets`)
        : [`uses.secrets ${JSON.stringify(given)}; list the secrets' names`];
    const kind = kinds.get(name);
    if (!kind)
      return [
        `uses "${name}", which is not declared; declare it or use one of ${[...kinds.keys()].join(", ")}`,
      ];
    if (!verbsOf(kind, given))
      return [
        `uses ${name}: ${JSON.stringify(given)}; a ${kind} takes ${Object.keys(access[kind].levels)
          .map((level) => `"${level}"`)
          .join(", ")}, or a list of ${access[kind].verbs.join(", ")}`,
      ];
    return [];
  });
}

function loadFaults({ load, latency, packageMb }: Workload): Fault[] {
  const faults: Fault[] = [];
  const positive = (part: string, value: number | undefined) =>
    faults.push(...positiveFaults(part, value));
  positive("load.perDay", load.perDay);
  positive("load.memoryMb", load.memoryMb);
  positive("load.ms.p50", load.ms.p50);
  positive("load.ms.p99", load.ms.p99);
  positive("load.ms.max", load.ms.max);
  positive("packageMb", packageMb);
  positive("latency.p99Ms", latency?.p99Ms);
  if (!loadShapes.includes(load.shape))
    faults.push(`load.shape "${load.shape}"; use one of ${loadShapes.join(", ")}`);
  if (load.ms.p50 > load.ms.p99)
    faults.push(`load has p50 ${load.ms.p50} ms > p99 ${load.ms.p99} ms; swap or correct them`);
  if (load.ms.max !== undefined && !(load.ms.max >= load.ms.p99))
    faults.push(`load has p99 ${load.ms.p99} ms > max ${load.ms.max} ms; correct one`);
  return faults;
}

function routeFaults(system: System): Fault[] {
  const owners = new Map<string, string>();
  return Object.entries(system.workloads).flatMap(([name, workload]) =>
    routesOf(workload).flatMap(({ what, text }) => {
      const route = parseRoute(text);
      if (typeof route === "string") return [`workload "${name}": ${what}: ${route}`];
      const key = routeKey(route);
      const owner = owners.get(key);
      owners.set(key, name);
      return owner === undefined
        ? []
        : [
            owner === name
              ? `workload "${name}": ${what} stands twice; remove one`
              : `workload "${name}": ${what} belongs to workload "${owner}" already; change one`,
          ];
    }),
  );
}

/** A socket is opened by a GET of its path. */
function routesOf(workload: Workload): { readonly what: string; readonly text: string }[] {
  if (workload.kind === "http")
    return workload.routes.map((text) => ({ what: `route "${text}"`, text }));
  return workload.kind === "socket" && /^\/[^\s{}]*$/.test(workload.path)
    ? [{ what: `path "${workload.path}"`, text: `GET ${workload.path}` }]
    : [];
}

function hookFaults(system: System): Fault[] {
  const owners = new Map<string, string>();
  return Object.entries(system.workloads).flatMap(([name, workload]) => {
    if (workload.kind !== "onIdentity") return [];
    const unknown = workload.hooks.filter((hook) => !identityHooks.includes(hook));
    const taken = workload.hooks.filter((hook) => owners.has(hook));
    const faults = [
      ...unknown.map((hook) => `hook "${hook}" is unknown; use one of ${identityHooks.join(", ")}`),
      ...workload.hooks
        .filter((hook, index) => workload.hooks.indexOf(hook) < index)
        .map((hook) => `hook "${hook}" stands twice; remove one`),
      ...taken.map((hook) => `hook "${hook}" belongs to workload "${owners.get(hook)}" already`),
      ...(workload.hooks.length === 0 ? ["has no hooks; give at least one"] : []),
      ...(Object.values(system.services).some((service) => service.kind === "identity")
        ? []
        : ["has hooks but no identity is declared; declare identity()"]),
    ];
    for (const hook of workload.hooks) owners.set(hook, name);
    return faults.map((fault) => `workload "${name}": ${fault}`);
  });
}
