/** Which way a request goes through the simulated cloud, by the rules of the services on that way. */
import type { Thing, View } from "./traffic-view.ts";

/** Where a request ends. A function is told apart by who calls it: the two hand over other events. */
export type Way =
  | { readonly to: "function"; readonly from: "api" | "balancer"; readonly manyValues: boolean }
  | { readonly to: "container"; readonly service: string }
  | { readonly to: "nowhere"; readonly status: number; readonly why: string };

export interface Asked {
  readonly method: string;
  readonly path: string;
}

/** What leads nowhere, with the status that the service there answers. */
class Lost extends Error {
  readonly status: number;
  constructor(status: number, why: string) {
    super(why);
    this.status = status;
  }
}

/**
 * The way of a request: from the API's route on, each step to what is there.
 * @param draw a number from 0 to 1, by which a load balancer picks among weights
 */
export function wayOf(view: View, asked: Asked, draw: () => number): Way {
  try {
    return throughApi(view, asked, draw);
  } catch (error) {
    if (!(error instanceof Lost)) throw error;
    return { to: "nowhere", status: error.status, why: error.message };
  }
}

function throughApi(view: View, { method, path }: Asked, draw: () => number): Way {
  const api = first(view.api, () => true, 503, "there is no API");
  const ofApi = ({ properties }: Thing) => properties.apiId === api.id;
  first(view.stage, ofApi, 404, "the API has no stage");
  const { properties: route } = first(
    view.route.filter(ofApi),
    ({ properties: { routeKey } }) => fits(routeKey, method, path),
    404,
    `no route for ${method} ${path}`,
  );
  if (route.authorizationType === "JWT")
    byId(view.authorizer, route.authorizerId, 500, `authorizer of ${route.routeKey}`);
  const integrationId = String(route.target).replace("integrations/", "");
  const what = `integration of ${route.routeKey}`;
  const { properties: to } = byId(view.integration, integrationId, 500, what);
  if (to.connectionType === "VPC_LINK") return throughListener(view, to, draw);

  const isCalled = ({ properties }: Thing) => properties.invokeArn === to.integrationUri;
  const called = first(view.function, isCalled, 500, `function of ${route.routeKey} is not there`);
  const source = `${api.properties.executionArn}/$default/${route.routeKey.replace(" ", "")}`;
  mustBeAllowed(view, called, "apigateway.amazonaws.com", source, 500);
  return { to: "function", from: "api", manyValues: false };
}

function throughListener(view: View, to: Thing["properties"], draw: () => number): Way {
  const { properties: link } = byId(view.link, to.connectionId, 503, "link of the integration");
  const { properties: listener } = byId(view.listener, to.integrationUri, 503, "listener");
  const { properties: balancer } = byId(view.balancer, listener.loadBalancerArn, 503, "balancer");
  mustReach(view, link.securityGroupIds, balancer.securityGroups, listener.port);
  const groupArn = picked(listener.defaultActions[0], draw);
  const { properties: group } = byId(view.targetGroup, groupArn, 503, "group of targets");
  return group.targetType === "lambda"
    ? toAttached(view, group)
    : toTasks(view, group, balancer.securityGroups);
}

function toAttached(view: View, group: Thing["properties"]): Way {
  const isOfGroup = ({ properties }: Thing) => properties.targetGroupArn === group.arn;
  const target = first(view.attachment, isOfGroup, 503, "nothing is attached to the group");
  const { targetId } = target.properties;
  const isTarget = ({ properties }: Thing) => properties.arn === targetId;
  const called = first(view.function, isTarget, 502, `function ${targetId} is not there`);
  mustBeAllowed(view, called, "elasticloadbalancing.amazonaws.com", group.arn, 502);
  return { to: "function", from: "balancer", manyValues: group.lambdaMultiValueHeadersEnabled };
}

function toTasks(view: View, group: Thing["properties"], from: readonly string[]): Way {
  const registered = ({ properties }: Thing) =>
    (properties.loadBalancers ?? []).find(
      (each: { targetGroupArn: string }) => each.targetGroupArn === group.arn,
    );
  const service = first(view.service, registered, 503, "no tasks are registered in the group");
  const { networkConfiguration } = service.properties;
  mustReach(view, from, networkConfiguration.securityGroups, registered(service).containerPort);
  return { to: "container", service: service.id };
}

/** A listener's action picks by weight, whether or not there is anybody in what it picks. */
function picked(action: Thing["properties"], draw: () => number): string {
  if (action.targetGroupArn) return action.targetGroupArn;
  const groups: readonly { arn: string; weight: number }[] = action.forward.targetGroups;
  let left = draw() * groups.reduce((sum, { weight }) => sum + weight, 0);
  for (const { arn, weight } of groups) {
    left -= weight;
    if (left < 0) return arn;
  }
  throw new Lost(503, "all weights are 0");
}

function mustBeAllowed(
  view: View,
  { properties: called }: Thing,
  principal: string,
  source: string,
  status: number,
): void {
  const isAllowed = ({ properties: rule }: Thing) =>
    rule.function === called.name &&
    rule.action === "lambda:InvokeFunction" &&
    rule.principal === principal &&
    isLike(rule.sourceArn, source);
  first(view.permission, isAllowed, status, `${principal} may not call ${called.name}`);
}

/** Out of one of the groups and into one of the others: both have to say so. */
function mustReach(view: View, from: readonly string[], to: readonly string[], port: number): void {
  const joins = (own: readonly string[], other: readonly string[]) => (rule: Thing) =>
    own.includes(rule.properties.securityGroupId) &&
    other.includes(rule.properties.referencedSecurityGroupId) &&
    rule.properties.fromPort <= port &&
    port <= rule.properties.toPort;
  first(view.egress, joins(from, to), 503, `nothing goes out to port ${port}`);
  first(view.ingress, joins(to, from), 503, `nothing comes in at port ${port}`);
}

function first(
  things: readonly Thing[],
  isIt: (thing: Thing) => boolean,
  status: number,
  otherwise: string,
): Thing {
  const found = things.find(isIt);
  if (!found) throw new Lost(status, otherwise);
  return found;
}

const byId = (things: readonly Thing[], id: string, status: number, what: string): Thing =>
  first(things, (thing) => thing.id === id, status, `${what} is not there`);

/** Whether a route key such as `GET /orders/{id}` takes a request. */
function fits(routeKey: string, method: string, path: string): boolean {
  const [itsMethod, itsPath = ""] = routeKey.split(" ");
  const [own, asked] = [itsPath.split("/"), path.split("/")];
  return (
    itsMethod === method &&
    own.length === asked.length &&
    own.every((part, at) => part.startsWith("{") || part === asked[at])
  );
}

/** Whether an ARN fits a pattern in which `*` is anything. */
function isLike(pattern: string, arn: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(arn);
}
