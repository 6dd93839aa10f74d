import type { Socket, System } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";

/** What decides about the way in for web sockets. */
export interface SocketPlanArgs {
  readonly system: System;
  /** Names of the socket workloads. */
  readonly workloads: readonly string[];
  /** Names of the workloads that the load balancer listens for. */
  readonly listening: readonly string[];
  /** How long the load balancer leaves a silent connection open, in seconds. */
  readonly idleSeconds: number;
  /** Whether the network has an internet gateway attached. */
  readonly attached: boolean;
}

/**
 * CloudFront closes a connection over which the origin sent nothing for so many seconds, which cannot
 * be raised (CloudFront quotas, idle timeout of web sockets, 10 minutes, 2026-11).
 */
export const cloudFrontIdleSeconds = 600;
/** Heartbeats where a socket says nothing, in seconds: see `SocketOptions`. */
const heartbeatDefault = 30;
/** VPC origins of an account: one for each port (CloudFront Developer Guide, quotas, 2026-11). */
const mostOrigins = 25;

/** The path of a socket workload: plain, so that no two lead to the same. */
export const pathOf = (system: System, workload: string): string =>
  (system.workloads[workload] as Socket).path;

/**
 * Policies that AWS keeps, by purpose (CloudFront Developer Guide, managed cache policies and managed
 * origin request policies, 2026-11). Upgrades need the viewer's `Sec-WebSocket-*` headers.
 */
export const managedPolicies = {
  cachingDisabled: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
  allViewer: "216adef6-5c7f-47e4-b989-5492eafa07d3",
  // Where the origin has a certificate, it must be the origin's name that is asked for.
  allViewerExceptHost: "b689b0a8-53d0-40ab-baf2-68738e2966ac",
} as const;

/** Answers at CloudFront itself what asks for anything but a socket's path. */
export const nothingHere = `function handler() {
  return { statusCode: 404, statusDescription: "Not Found" };
}
`;

/**
 * What is logged of a connection. Not the query, nor cookies: clients of sockets cannot send headers
 * of their own from a browser, so that a token may stand there.
 */
export const loggedFields = [
  "date",
  "time",
  "x-edge-location",
  "c-ip",
  "cs-method",
  "x-host-header",
  "cs-uri-stem",
  "sc-status",
  "x-edge-result-type",
  "x-edge-detailed-result-type",
  "x-edge-request-id",
  "ssl-protocol",
  "cs-bytes",
  "sc-bytes",
  "time-taken",
] as const;

/** Everything that keeps sockets from being reached. */
export function socketFaults(args: SocketPlanArgs): Fault[] {
  const { workloads } = args;
  return [
    ...(workloads.length > 0 ? [] : ["no socket workload; leave it out"]),
    ...(workloads.length > mostOrigins
      ? [
          `${workloads.length} sockets, over the ${mostOrigins} VPC origins of an account; let some share a workload`,
        ]
      : []),
    ...(args.attached
      ? []
      : [
          "the network has no internet gateway, without which CloudFront reaches none; give network.internetGateway",
        ]),
    ...workloads.flatMap((name) =>
      workloadFaults(args, name).map((fault) => `workload "${name}": ${fault}`),
    ),
  ];
}

function workloadFaults({ system, listening, idleSeconds }: SocketPlanArgs, name: string): Fault[] {
  const workload = Object.hasOwn(system.workloads, name) ? system.workloads[name] : undefined;
  if (!workload) return ["it is not declared; leave it out"];
  if (workload.kind !== "socket")
    return [`kind ${workload.kind} holds no sockets; give workloads of kind socket`];
  const { heartbeatSeconds = heartbeatDefault } = workload;
  const idle = Math.min(idleSeconds, cloudFrontIdleSeconds);
  return [
    ...(listening.includes(name)
      ? []
      : ["the load balancer does not listen for it; give it to the Balancer as well"]),
    // At the limit itself the two would race.
    ...(heartbeatSeconds < idle
      ? []
      : [
          `a heartbeat every ${heartbeatSeconds} s, while what is silent for ${idle} s is closed on the way; ${
            heartbeatSeconds < cloudFrontIdleSeconds
              ? `give the Balancer idleSeconds over ${heartbeatSeconds}, or a shorter heartbeat`
              : `give a shorter heartbeat`
          }`,
        ]),
  ];
}
