import { money, type Placement } from "../planner/index.ts";
import { parseRoute, type Route, type System, type Workload } from "../spec/index.ts";
import type { RouteState, WorkloadState } from "./state.ts";
import type { Loaded } from "./workloads.ts";

/** The declared routes of a system, each with its workload. */
export function routesOf(system: System) {
  return Object.entries(system.workloads).flatMap(([name, workload]) =>
    workload.kind === "http"
      ? workload.routes.map((text) => ({ name, workload, text, route: parsed(text) }))
      : [],
  );
}

function parsed(text: string): Route {
  const route = parseRoute(text);
  // defineSystem has read every route before.
  if (typeof route === "string") throw new Error(`route "${text}": ${route}`);
  return route;
}

/** What the dashboard says of the routes. */
export const describeRoutes = (
  system: System,
  url: string,
  loaded: ReadonlyMap<string, Loaded>,
): RouteState[] =>
  routesOf(system).map(({ name, workload, route }) => {
    const auth = workload.auth ?? "jwt";
    return {
      method: route.method,
      path: route.path,
      workload: name,
      auth,
      running: loaded.get(name)?.status === "running",
      curl: curlLine(route, url, auth),
    };
  });

/** A line for a shell; parameters stand as `{name}`, the token as $TOKEN. */
export function curlLine(route: Route, url: string, auth: "jwt" | "none"): string {
  const method = route.method === "ANY" ? "GET" : route.method;
  const takesBody = !["GET", "HEAD", "DELETE", "OPTIONS"].includes(method);
  return [
    "curl",
    method === "HEAD" ? "-I" : "-i",
    ...(method === "GET" || method === "HEAD" ? [] : [`-X ${method}`]),
    `'${url}${route.path}'`,
    // Without -g curl takes braces for a list.
    ...(route.path.includes("{") ? ["-g"] : []),
    ...(auth === "jwt" ? ['-H "authorization: Bearer $TOKEN"'] : []),
    ...(takesBody ? ["-H 'content-type: application/json'", "-d '{}'"] : []),
  ].join(" ");
}

/**
 * What the dashboard says of the workloads: how they fare here, and where the cloud would run them.
 * @param placed as the stack's config has it
 */
export const describeWorkloads = (
  system: System,
  loaded: ReadonlyMap<string, Loaded>,
  placed: readonly Placement[],
): WorkloadState[] =>
  placed.map(({ name, host, because, monthly }) => {
    const workload = system.workloads[name] as Workload;
    const fares = loaded.get(name);
    return {
      name,
      kind: workload.kind,
      trigger: triggerOf(workload),
      status: fares?.status ?? "failed",
      reason: fares?.status === "running" ? undefined : fares?.reason,
      host,
      because,
      monthly: money(monthly.amount),
    };
  });

/** What starts a workload, in a few words. */
export function triggerOf(workload: Workload): string {
  switch (workload.kind) {
    case "http":
      return `${workload.routes.length} route${workload.routes.length === 1 ? "" : "s"}`;
    case "onMessage":
      return workload.queue
        ? `queue ${workload.queue}`
        : workload.topic
          ? `topic ${workload.topic}`
          : workload.bus
            ? `bus ${workload.bus}`
            : workload.stream
              ? `stream ${workload.stream}`
              : `changes of ${workload.changes}`;
    case "onObject":
      return `objects in ${workload.store}/${workload.prefix}`;
    case "onSchedule":
      return `cron ${workload.cron}`;
    case "onIdentity":
      return workload.hooks.join(", ");
    case "workflow":
      return `workflow of ${workload.steps.length} steps`;
    case "socket":
      return `web socket ${workload.path}`;
    case "job":
      return `job from queue ${workload.queue}`;
  }
}
