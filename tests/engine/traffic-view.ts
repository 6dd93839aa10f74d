/** What of the simulated cloud decides where a request goes, as it stands at the moment. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Thing as Stored } from "../../tools/simulated/cloud.ts";

const types = {
  api: "aws:apigatewayv2/api:Api",
  attachment: "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  authorizer: "aws:apigatewayv2/authorizer:Authorizer",
  balancer: "aws:lb/loadBalancer:LoadBalancer",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  function: "aws:lambda/function:Function",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  integration: "aws:apigatewayv2/integration:Integration",
  link: "aws:apigatewayv2/vpcLink:VpcLink",
  listener: "aws:lb/listener:Listener",
  permission: "aws:lambda/permission:Permission",
  route: "aws:apigatewayv2/route:Route",
  service: "aws:ecs/service:Service",
  stage: "aws:apigatewayv2/stage:Stage",
  targetGroup: "aws:lb/targetGroup:TargetGroup",
} as const;
type Kind = keyof typeof types;

/** A resource, its properties as the provider has them. */
export interface Thing {
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of fifteen types, each read where it is known
  readonly properties: any;
}
export type View = Readonly<Record<Kind, readonly Thing[]>>;

/** How old a view may be, in milliseconds. */
const freshMs = 5;

/**
 * Reads the folder of the cloud. Files are read one after the other while the engine writes them: a
 * view counts once two readings in a row are the same, so that it is one state and not a mixture.
 */
export function openView(folder: string): () => View {
  let [view, readAt]: [View | undefined, number] = [undefined, 0];
  return () => {
    if (view && performance.now() - readAt < freshMs) return view;
    let [text, again] = [readAll(folder), readAll(folder)];
    while (text !== again) [text, again] = [again, readAll(folder)];
    readAt = performance.now();
    view = viewOf(JSON.parse(text) as Stored[]);
    return view;
  };
}

/** What an HTTP API serves from a snapshot of itself, which it takes anew after a change. */
const ofApi = ["api", "authorizer", "integration", "route", "stage"] as const;

/**
 * The view of a request while the API lags behind: its own parts as they were a while ago, all that
 * they lead to as it is ("A deployment is a snapshot of your API configuration", Amazon API Gateway
 * Developer Guide, stages for HTTP APIs, 2026-11).
 * @param lagMs until a change of the API is deployed, in milliseconds
 */
export function withLag(look: () => View, lagMs: number): () => View {
  let seen: { readonly at: number; readonly view: View }[] = [];
  return () => {
    const [view, now] = [look(), performance.now()];
    seen = [...seen, { at: now, view }];
    // The last that is old enough; those before it are of no more use.
    const from = seen.findLastIndex(({ at }) => now - at >= lagMs);
    seen = seen.slice(Math.max(0, from));
    const deployed = seen[0]?.view ?? view;
    return { ...view, ...Object.fromEntries(ofApi.map((kind) => [kind, deployed[kind]])) };
  };
}

export const viewOf = (things: readonly Stored[]): View =>
  Object.fromEntries(
    Object.entries(types).map(([kind, type]) => [
      kind,
      things.filter((each) => each.type === type),
    ]),
  ) as unknown as View;

const readAll = (folder: string): string =>
  `[${Object.values(types)
    .flatMap((type) => filesOf(join(folder, type.replaceAll(/[:/]/g, "-"))))
    .join(",")}]`;

function filesOf(home: string): string[] {
  const names = orGone(() => readdirSync(home)) ?? [];
  return names
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => orGone(() => readFileSync(join(home, name), "utf8")) ?? []);
}

/** What is gone between two looks is not there. */
function orGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
