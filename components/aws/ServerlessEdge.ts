import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { checked, refuse, retentionFault } from "../shared/validation.ts";
import type { Bindings } from "./bindings.ts";
import {
  accessLogFormat,
  corsConfiguration,
  type EdgePlan,
  type EdgePlanArgs,
  edgeFaults,
  isSplit,
  limitsOf,
  listenerOf,
  type PlannedRoute,
  planEdge,
  serviceBindings,
} from "./edge-plan.ts";
import type { FunctionTransforms, WorkloadFunction } from "./Function.ts";
import { functionOf, hostOf, isFunction } from "./hosting.ts";
import { record } from "./records.ts";
import { closedGroup, letThrough, type NetworkPlace } from "./security-groups.ts";

export interface ServerlessEdgeArgs extends EdgePlanArgs {
  readonly transform?: FunctionTransforms & {
    readonly api?: Transform<aws.apigatewayv2.ApiArgs>;
    readonly authorizer?: Transform<aws.apigatewayv2.AuthorizerArgs>;
    readonly integration?: Transform<aws.apigatewayv2.IntegrationArgs>;
    readonly route?: Transform<aws.apigatewayv2.RouteArgs>;
    readonly stage?: Transform<aws.apigatewayv2.StageArgs>;
    readonly accessLogs?: Transform<aws.cloudwatch.LogGroupArgs>;
  };
}

const component = "ServerlessEdge";

/**
 * The public HTTP edge: one HTTP API, a function for each workload that is placed on one, a link to
 * the listeners of those on containers, a route for each that they declare. Tokens are checked on
 * routes with auth "jwt", requests are throttled per route and logged as JSON. A path without a
 * route is answered 404 by the API itself, which costs no function; so there is no `$default` route.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const edge = new ServerlessEdge("edge", {
 *   system,
 *   artefacts: await bundleFunctions({ system }),
 *   stores: stores.bindings,
 *   userPool: users,
 * });
 * export const url = edge.url;
 */
export class ServerlessEdge extends pulumi.ComponentResource {
  readonly api: aws.apigatewayv2.Api;
  readonly authorizer?: aws.apigatewayv2.Authorizer;
  /** Workloads on functions, and functions beside containers, by name. */
  readonly functions: Readonly<Record<string, WorkloadFunction>>;
  /** The way to the listeners of workloads on containers, where there are any. */
  readonly link?: aws.apigatewayv2.VpcLink;
  /** By workload. */
  readonly integrations: Readonly<Record<string, aws.apigatewayv2.Integration>>;
  /** By route key, such as `GET /users/{id}`. */
  readonly routes: Readonly<Record<string, aws.apigatewayv2.Route>>;
  readonly accessLogs: aws.cloudwatch.LogGroup;
  readonly stage: aws.apigatewayv2.Stage;
  /** Public base URL, without a trailing slash. */
  readonly url: pulumi.Output<string>;
  /** The edge itself, its metrics and the identity, for workloads that use them. */
  readonly bindings: Bindings;

  constructor(name: string, args: ServerlessEdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse(component, name, edgeFaults(args));
    super("spillway:aws:ServerlessEdge", name, {}, opts);
    const plan = planEdge(args);
    const retention = checked(component, name, args.logRetentionDays ?? 14, retentionFault);

    this.api = this.#makeApi(name, args, plan);
    this.url = this.api.apiEndpoint;
    if (plan.routes.some((route) => route.auth === "jwt"))
      this.authorizer = this.#makeAuthorizer(name, args);
    this.bindings = serviceBindings(args, {
      url: this.url,
      apiId: this.api.id,
      alarmPrefix: `${pulumi.getProject()}-${pulumi.getStack()}-`,
    });
    const own = {
      stores: { ...args.stores, ...this.bindings },
      tokens: args.userPool,
      logRetentionDays: retention,
    };
    this.functions = record([...plan.functions, ...plan.twins], (workload) =>
      functionOf(name, workload, args, own, this),
    );
    const way = plan.listeners.length > 0 ? this.#makeLink(name, args, plan) : undefined;
    this.link = way?.link;
    this.integrations = {
      ...record(plan.functions, (workload) => this.#toFunction(name, workload, args)),
      ...record(plan.listeners, (workload) =>
        this.#toListener(name, workload, args, way?.doors[workload]),
      ),
    };
    this.routes = Object.fromEntries(
      plan.routes.map((route) => [route.key, this.#makeRoute(name, route, args)]),
    );
    this.accessLogs = this.#makeAccessLogs(name, args, retention);
    this.stage = this.#makeStage(name, args, plan);
    this.registerOutputs({ url: this.url });
  }

  #makeApi(name: string, args: ServerlessEdgeArgs, { cors, routes }: EdgePlan) {
    return new aws.apigatewayv2.Api(
      name,
      transformed(args.transform?.api, name, {
        name: physicalName(name, "api"),
        protocolType: "HTTP",
        ...(cors && { corsConfiguration: corsConfiguration(cors, routes) }),
      }),
      { parent: this },
    );
  }

  #makeAuthorizer(name: string, args: ServerlessEdgeArgs) {
    const { issuer = "", clientId = "" } = args.userPool ?? {};
    return new aws.apigatewayv2.Authorizer(
      `${name}-tokens`,
      transformed(args.transform?.authorizer, `${name}-tokens`, {
        name: "tokens",
        apiId: this.api.id,
        authorizerType: "JWT",
        identitySources: ["$request.header.Authorization"],
        jwtConfiguration: { issuer, audiences: [clientId] },
      }),
      { parent: this },
    );
  }

  #makeLink(name: string, args: ServerlessEdgeArgs, { listeners }: EdgePlan) {
    const { vpcId, subnetIds } = args.network as NetworkPlace;
    const logical = `${name}-link-group`;
    const group = closedGroup(logical, `Outgoing only: ${logical}`, vpcId, this);
    const from = { name: logical, securityGroupId: group.id };
    const link = new aws.apigatewayv2.VpcLink(
      `${name}-link`,
      { name: physicalName(`${name}-link`, "api"), subnetIds, securityGroupIds: [group.id] },
      { parent: this },
    );
    const doors = record(listeners, (workload) => {
      const { securityGroupId, port } = listenerOf(args, workload);
      return letThrough(from, { name: workload, to: { securityGroupId }, port }, this);
    });
    return { link, doors };
  }

  #toFunction(name: string, workload: string, args: ServerlessEdgeArgs) {
    const logical = `${name}-${workload}`;
    return new aws.apigatewayv2.Integration(
      logical,
      transformed(args.transform?.integration, logical, {
        apiId: this.api.id,
        integrationType: "AWS_PROXY",
        integrationMethod: "POST",
        integrationUri: (this.functions[workload] as WorkloadFunction).invokeArn,
        payloadFormatVersion: "2.0",
      }),
      { parent: this },
    );
  }

  #toListener(
    name: string,
    workload: string,
    args: ServerlessEdgeArgs,
    door: readonly pulumi.Resource[] = [],
  ) {
    const logical = `${name}-${workload}`;
    const { listenerArn, serverName } = listenerOf(args, workload);
    const beside = this.functions[workload] as WorkloadFunction;
    return new aws.apigatewayv2.Integration(
      logical,
      transformed(args.transform?.integration, logical, {
        apiId: this.api.id,
        integrationType: "HTTP_PROXY",
        integrationMethod: "ANY",
        integrationUri: typeof listenerArn === "function" ? listenerArn(beside) : listenerArn,
        payloadFormatVersion: "1.0",
        connectionType: "VPC_LINK",
        connectionId: this.link?.id,
        ...(serverName && { tlsConfig: { serverNameToVerify: serverName } }),
      }),
      // No request is led to a listener that it could not reach yet.
      { parent: this, dependsOn: [...door] },
    );
  }

  #makeRoute(name: string, route: PlannedRoute, args: ServerlessEdgeArgs) {
    const logical = `${name}-${route.key}`;
    const mayCall = this.#allow(logical, route, args);
    const integration = this.integrations[route.workload] as aws.apigatewayv2.Integration;
    return new aws.apigatewayv2.Route(
      logical,
      transformed(args.transform?.route, logical, {
        apiId: this.api.id,
        routeKey: route.key,
        target: pulumi.interpolate`integrations/${integration.id}`,
        ...(route.auth === "jwt"
          ? { authorizationType: "JWT", authorizerId: this.authorizer?.id }
          : { authorizationType: "NONE" }),
      }),
      // No request is led to a function that must not be called yet.
      { parent: this, dependsOn: mayCall ? [mayCall] : [] },
    );
  }

  /** While a workload is split its function may still be called: it has been, or will be, directly. */
  #allow(logical: string, { workload, source }: PlannedRoute, args: ServerlessEdgeArgs) {
    const isOwn = isFunction(hostOf(args, workload)) || isSplit(args, workload);
    if (!isOwn) return undefined;
    // The API's one stage is ours: what matters is which API, method and path may call.
    return this.functions[workload]?.allow(
      logical,
      "apigateway.amazonaws.com",
      pulumi.interpolate`${this.api.executionArn}/*/${source}`,
    );
  }

  #makeAccessLogs(name: string, args: ServerlessEdgeArgs, retentionInDays: pulumi.Output<number>) {
    return new aws.cloudwatch.LogGroup(
      `${name}-access-logs`,
      transformed(args.transform?.accessLogs, `${name}-access-logs`, {
        // Under this prefix log delivery does not fill up the account's one resource policy.
        name: `/aws/vendedlogs/${physicalName(name, "api")}`,
        retentionInDays,
      }),
      { parent: this },
    );
  }

  #makeStage(name: string, args: ServerlessEdgeArgs, { routes, throttle }: EdgePlan) {
    return new aws.apigatewayv2.Stage(
      `${name}-stage`,
      transformed(args.transform?.stage, `${name}-stage`, {
        apiId: this.api.id,
        name: "$default",
        autoDeploy: true,
        accessLogSettings: { destinationArn: this.accessLogs.arn, format: accessLogFormat },
        defaultRouteSettings: limitsOf(throttle),
        routeSettings: routes.flatMap((route) =>
          route.throttle ? [{ routeKey: route.key, ...limitsOf(route.throttle) }] : [],
        ),
      }),
      // Settings of a route are refused before the route is there.
      { parent: this, dependsOn: Object.values(this.routes) },
    );
  }
}
