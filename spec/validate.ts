import { access, type ResourceKind, verbsOf } from "./access.ts";
import type { System } from "./declaration.ts";
import { loadShapes } from "./load.ts";
import { parseRoute, routeKey } from "./routes.ts";
import { cronFault, timeZoneFault } from "./schedule.ts";
import { workflowFaults } from "./validate-workflow.ts";
import { identityHooks, type Workload } from "./workloads.ts";

type Fault = string;
type Kinds = ReadonlyMap<string, ResourceKind>;

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

function twinFaults(group: string, names: readonly string[]): Fault[] {
  const keys = names.map((name) => name.replaceAll("-", "").toLowerCase());
  return names.flatMap((name, index) =>
    keys.indexOf(keys[index] as string) < index
      ? [`${group} "${name}": another ${group} has the same name; rename one`]
      : [],
  );
}

function serviceFaults(system: System): Fault[] {
  const faults: Fault[] = [];
  for (const kind of ["edge", "identity"] as const) {
    const names = Object.entries(system.services)
      .filter(([, service]) => service.kind === kind)
      .map(([name]) => name);
    if (names.length > 1)
      faults.push(`services ${names.join(", ")}: more than one ${kind}; keep one`);
  }
  for (const [name, service] of Object.entries(system.services)) {
    const say = (text: string) => faults.push(`service "${name}": ${text}`);
    if (service.kind === "edge") {
      if (service.cors?.credentials && service.cors.origins.includes("*"))
        say('CORS origin "*" with credentials; name the origins, or leave credentials out');
      for (const origin of service.cors?.origins ?? [])
        if (origin !== "*" && !isOrigin(origin))
          say(`CORS origin "${origin}"; write scheme and host, such as "https://shop.example"`);
      faults.push(...throttleFaults(service.throttle).map((f) => `service "${name}": ${f}`));
    }
    if (service.kind === "identity") {
      if (!(service.passwordMinLength >= 8 && service.passwordMinLength <= 99))
        say(`passwordMinLength ${service.passwordMinLength}; use 8 to 99`);
      if (!(service.accessMinutes >= 5 && service.accessMinutes <= 1440))
        say(`accessMinutes ${service.accessMinutes}; use 5 to 1440`);
      if (!(service.refreshDays >= 1 && service.refreshDays <= 3650))
        say(`refreshDays ${service.refreshDays}; use 1 to 3650`);
    }
    if (service.kind === "chat" && !system.secrets.includes(service.webhook))
      say(`webhook "${service.webhook}" is no declared secret; add it to secrets`);
    if (service.kind === "mailer" && !/^[^@\s]+@[^@\s]+$/.test(service.from))
      say(`from "${service.from}" is no mail address; write name@host`);
  }
  return faults;
}

function isOrigin(text: string): boolean {
  // "https://*" would be any origin again: to a gateway a "*" anywhere is a wildcard.
  return URL.canParse(text) && new URL(text).origin === text && !text.includes("*");
}

function throttleFaults(throttle: { perSecond: number; burst: number }): Fault[] {
  return (["perSecond", "burst"] as const).flatMap((part) =>
    Number.isInteger(throttle[part]) && throttle[part] > 0
      ? []
      : [`throttle.${part} ${throttle[part]}; use a whole number above 0`],
  );
}

function channelFaults(system: System): Fault[] {
  return Object.entries(system.channels).flatMap(([name, channel]) => {
    const say = (part: string, value: number, low: number, high: number) =>
      Number.isInteger(value) && value >= low && value <= high
        ? []
        : [`channel "${name}": ${part} ${value}; use a whole number from ${low} to ${high}`];
    // Amazon SQS quotas and Kinesis retention, AWS documentation, read 2026-11.
    if (channel.kind === "queue")
      return [
        ...say("maxReceives", channel.maxReceives, 1, 1000),
        ...say("visibilitySeconds", channel.visibilitySeconds, 0, 43_200),
        ...say("maxBytes", channel.maxBytes, 1024, 1_048_576),
      ];
    if (channel.kind === "stream") return say("retentionHours", channel.retentionHours, 24, 8760);
    return [];
  });
}

function storeFaults(system: System): Fault[] {
  return Object.entries(system.stores).flatMap(([name, store]) =>
    store.kind !== "objectStore"
      ? []
      : Object.entries(store.folders).flatMap(([folder, { prefix, maxBytes }]) => [
          ...(prefix.endsWith("/") && !prefix.startsWith("/")
            ? []
            : [`store "${name}": folder ${folder}: prefix "${prefix}"; write it as "uploads/"`]),
          ...(maxBytes === undefined || (Number.isInteger(maxBytes) && maxBytes > 0)
            ? []
            : [
                `store "${name}": folder ${folder}: maxBytes ${maxBytes}; use a whole number above 0`,
              ]),
        ]),
  );
}

function codeFaults(workload: Workload): Fault[] {
  return /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/.test(workload.code)
    ? []
    : [`code "${workload.code}"; give a folder from the project's root, such as "functions/users"`];
}

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

function positiveFaults(part: string, value: number | undefined): Fault[] {
  return value === undefined || (Number.isFinite(value) && value > 0)
    ? []
    : [`${part} ${value}; use a number above 0`];
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

function triggerFaults(system: System, kinds: Kinds, workload: Workload): Fault[] {
  const names = (what: string, name: string, kind: ResourceKind): Fault[] =>
    kinds.get(name) === kind
      ? []
      : [
          `${what} "${name}" is no declared ${kind}; declare it or use one of ${
            [...kinds]
              .filter(([, k]) => k === kind)
              .map(([n]) => n)
              .join(", ") || "none so far"
          }`,
        ];
  switch (workload.kind) {
    case "onMessage": {
      const sources = (["queue", "topic", "bus", "stream"] as const).flatMap((kind) => {
        const name = workload[kind];
        return name === undefined ? [] : [names(kind, name, kind)];
      });
      if (workload.changes !== undefined) {
        const store = system.stores[workload.changes];
        sources.push([
          ...names("changes", workload.changes, "table"),
          ...(store?.kind === "table" && !store.changes
            ? [
                `changes "${workload.changes}" keeps no change feed; declare table({ changes: true })`,
              ]
            : []),
        ]);
      }
      const count =
        sources.length === 1
          ? []
          : [
              `has ${sources.length} sources; give exactly one of queue, topic, bus, stream, changes`,
            ];
      const filter =
        workload.filter && workload.topic === undefined
          ? ["has a filter but no topic; filters belong to topics"]
          : [];
      const batch =
        workload.batch === undefined ||
        (Number.isInteger(workload.batch) && workload.batch > 0 && workload.batch <= 10_000)
          ? []
          : [`batch ${workload.batch}; use a whole number from 1 to 10000`];
      return [...count, ...sources.flat(), ...filter, ...batch];
    }
    case "onObject":
      return names("store", workload.store, "objectStore");
    case "job":
      return names("queue", workload.queue, "queue");
    case "onSchedule":
      return [cronFault(workload.cron), timeZoneFault(workload.timeZone ?? "UTC")].filter(
        (fault) => fault !== undefined,
      );
    case "workflow":
      return workflowFaults(workload);
    case "http":
      return [
        ...(workload.routes.length > 0 ? [] : ["has no routes; give at least one"]),
        ...(workload.throttle ? throttleFaults(workload.throttle) : []),
        ...positiveFaults("maxBodyBytes", workload.maxBodyBytes),
        ...authFaults(system, workload),
      ];
    case "socket":
      return [
        ...(/^\/\S*$/.test(workload.path)
          ? []
          : [`path "${workload.path}"; write it as "/presence"`]),
        ...positiveFaults("heartbeatSeconds", workload.heartbeatSeconds),
        ...authFaults(system, workload),
      ];
    default:
      return [];
  }
}

function authFaults(system: System, workload: { readonly auth?: string }): Fault[] {
  const hasIdentity = Object.values(system.services).some((s) => s.kind === "identity");
  return (workload.auth ?? "jwt") === "jwt" && !hasIdentity
    ? ['needs a token but no identity is declared; declare identity(), or say auth: "none"']
    : [];
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
  return workload.kind === "socket" && /^\/\S*$/.test(workload.path)
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
