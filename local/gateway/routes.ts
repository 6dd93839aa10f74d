import { guard, type Verify } from "../../runtime/http/guard.ts";
import { Problem } from "../../runtime/http/problem.ts";
import type { HttpHandler } from "../../runtime/ports/index.ts";
import { type Edge, edge as edgeOf, type System } from "../../spec/index.ts";
import { routesOf } from "../describe.ts";
import { StartFault } from "../settings.ts";
import type { Loaded } from "../workloads.ts";
import type { GatewayRoute } from "./gateway.ts";

export interface RouteOptions {
  /** Default: the edge that `edge()` declares */
  readonly edge?: Edge;
  /** Checks access tokens; absent where the system declares no identity, and so no such route. */
  readonly verify?: Verify;
  /** Leads to the replicas of a workload that has processes of its own. */
  readonly replicasOf?: (workload: string) => HttpHandler;
}

/** Where the host itself answers. */
const reserved = /^\/(_spillway|\.well-known\/(jwks\.json|openid-configuration))(\/|$)/;

/**
 * The routes of a system with what answers each: the workload behind its guard, or why not.
 * @throws {StartFault} for a route at a path where the host itself answers
 */
export function gatewayRoutes(
  system: System,
  loaded: ReadonlyMap<string, Loaded>,
  { edge = edgeOf(), verify, replicasOf }: RouteOptions,
): GatewayRoute[] {
  const guarded = new Map<string, HttpHandler>();
  return routesOf(system).map(({ name, workload, text, route }) => {
    if (reserved.test(route.path))
      throw new StartFault(
        `workload "${name}": route "${text}" is where spillway start itself answers; choose another path`,
      );
    let handler = guarded.get(name);
    if (!handler) {
      const { auth = "jwt", maxBodyBytes } = workload;
      const one = loaded.get(name);
      const runs =
        one?.status !== "running"
          ? undefined
          : one.run.kind === "container"
            ? replicasOf?.(name)
            : one.run.kind === "http"
              ? one.run.handler
              : undefined;
      if (!runs) handler = absent(one && "reason" in one ? one.reason : "");
      // Node's parser holds a body to its Content-Length; the gateway puts the headers on.
      else
        handler = guard(runs, {
          auth,
          verify,
          maxBodyBytes,
          lengthIsChecked: true,
          headersAreSet: true,
        });
      guarded.set(name, handler);
    }
    return { route, workload: name, handler, throttle: workload.throttle ?? edge.throttle };
  });
}

/** A workload that does not run here says why. */
const absent = (detail: string): HttpHandler => ({
  fetch: (_, { requestId }) =>
    new Problem("unavailable", { status: 501, detail }).toResponse(requestId),
});
