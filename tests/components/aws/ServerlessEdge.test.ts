import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { ServerlessEdge } from "../../../components/aws/ServerlessEdge.ts";
import { place } from "../../../planner/index.ts";
import { defineSystem, edge, http, identity } from "../../../spec/index.ts";
import type { Graph } from "../harness.ts";
import { runUnderMocks } from "../harness.ts";
import { code, load, served, small, smallEdge, storefront, system, userPool } from "./fixtures.ts";

const type = {
  api: "aws:apigatewayv2/api:Api",
  authorizer: "aws:apigatewayv2/authorizer:Authorizer",
  function: "aws:lambda/function:Function",
  integration: "aws:apigatewayv2/integration:Integration",
  link: "aws:apigatewayv2/vpcLink:VpcLink",
  logs: "aws:cloudwatch/logGroup:LogGroup",
  permission: "aws:lambda/permission:Permission",
  route: "aws:apigatewayv2/route:Route",
  stage: "aws:apigatewayv2/stage:Stage",
} as const;
const keys = (graph: Graph) => graph.all(type.route).map((route) => route.inputs.routeKey);

describe("routes", () => {
  test("are those that the workloads declare, each to its workload's function", async () => {
    const graph = await storefront();
    const declared = served.flatMap((name) =>
      system.workloads[name].routes.map((route) => [route, `integrations/edge-${name}-id`]),
    );
    const routes = graph.all(type.route).map((r) => [r.inputs.routeKey, r.inputs.target]);
    expect(routes).toEqual(declared.toSorted());
  });

  test("go to functions in payload format 2.0", async () => {
    const graph = await storefront();
    expect(graph.find(type.integration, "edge-users").inputs).toMatchObject({
      integrationType: "AWS_PROXY",
      payloadFormatVersion: "2.0",
      integrationUri: expect.stringMatching(/function:shop-dev-edge-users\/invocations$/),
    });
  });

  test("there is no $default route: what is not declared is the API's own 404", async () => {
    expect(keys(await storefront())).not.toContain("$default");
  });

  test("a rest parameter and ANY are passed on as they are", async () => {
    const graph = await smallEdge({}, { routes: ["ANY /files/{path+}", "GET /"] });
    expect(keys(graph)).toEqual(["ANY /files/{path+}", "GET /"]);
  });

  test("ANY with a token is written out without OPTIONS where there is CORS, for preflights", async () => {
    const options = { routes: ["ANY /notes"], auth: "jwt" } as const;
    const graph = await smallEdge({ userPool, cors: { origins: ["https://a.example"] } }, options);
    expect(keys(graph).sort()).toEqual(
      ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"].map((method) => `${method} /notes`),
    );
    expect(keys(await smallEdge({ userPool }, options))).toEqual(["ANY /notes"]);
  });
});

describe("tokens", () => {
  test("are asked for on exactly the routes with auth jwt", async () => {
    const graph = await storefront();
    for (const route of graph.all(type.route)) {
      const owner = served.find((name) =>
        (system.workloads[name].routes as readonly string[]).includes(route.inputs.routeKey),
      );
      const spec = system.workloads[owner as (typeof served)[number]] as { auth?: string };
      expect([route.name, route.inputs.authorizationType, route.inputs.authorizerId]).toEqual(
        spec.auth === "none"
          ? [route.name, "NONE", undefined]
          : [route.name, "JWT", "edge-tokens-id"],
      );
    }
  });

  test("must come from the user pool, for its client", async () => {
    const graph = await storefront();
    expect(graph.find(type.authorizer).inputs).toMatchObject({
      authorizerType: "JWT",
      identitySources: ["$request.header.Authorization"],
      jwtConfiguration: {
        issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_users",
        audiences: ["users-client-id"],
      },
    });
  });

  test("may come from any OIDC issuer", async () => {
    const graph = await smallEdge({ userPool }, { auth: "jwt" });
    expect(graph.find(type.authorizer).inputs.jwtConfiguration).toEqual({
      issuer: userPool.issuer,
      audiences: [userPool.clientId],
    });
    expect(graph.find(type.function).inputs.environment.variables).toMatchObject({
      SPILLWAY_TOKEN_ISSUER: userPool.issuer,
      SPILLWAY_TOKEN_AUDIENCE: userPool.clientId,
      SPILLWAY_TOKEN_JWKS: `${userPool.issuer}/.well-known/jwks.json`,
    });
  });

  test("need no authorizer where no route asks for one", async () => {
    expect((await smallEdge()).all(type.authorizer)).toEqual([]);
  });
});

describe("CORS", () => {
  test("is what the system's edge declares", async () => {
    const graph = await storefront();
    expect(graph.find(type.api).inputs.corsConfiguration).toEqual({
      allowOrigins: ["http://localhost:5173"],
      allowMethods: ["GET", "POST"],
      allowHeaders: ["authorization", "content-type"],
      allowCredentials: true,
      maxAge: 600,
    });
  });

  test("can be set by the program, and takes its methods from the routes", async () => {
    const graph = await storefront({ cors: { origins: ["https://shop.example"] } });
    expect(graph.find(type.api).inputs.corsConfiguration).toEqual({
      allowOrigins: ["https://shop.example"],
      allowMethods: ["GET", "POST"],
      allowHeaders: ["authorization", "content-type"],
    });
  });

  test("is absent where nobody asks for it", async () => {
    expect((await smallEdge()).find(type.api).inputs.corsConfiguration).toBeUndefined();
  });

  test.each([
    [{ origins: ["*"], credentials: true }, 'cors origins "*" with credentials'],
    [{ origins: ["https://a.example"], headers: ["*"], credentials: true }, "cors headers"],
    [{ origins: ["shop.example"] }, 'cors origin "shop.example"'],
    [{ origins: ["https://*"] }, 'cors origin "https://*"'],
  ])("%j is refused", async (cors, message) => {
    await expect(smallEdge({ cors })).rejects.toThrow(message);
  });
});

describe("throttling", () => {
  test("is the edge's by default, and a workload's own on each of its routes", async () => {
    const { inputs } = (await storefront()).find(type.stage);
    expect(inputs.defaultRouteSettings).toEqual({
      throttlingRateLimit: 500,
      throttlingBurstLimit: 1000,
    });
    expect(inputs.routeSettings).toEqual([
      {
        routeKey: "POST /api/auth/{action}",
        throttlingRateLimit: 20,
        throttlingBurstLimit: 40,
      },
      {
        routeKey: "POST /webhooks/{source}",
        throttlingRateLimit: 2000,
        throttlingBurstLimit: 4000,
      },
    ]);
  });

  test("waits for the routes that it names", async () => {
    const graph = await storefront();
    const waitsFor = graph.dependencies(graph.find(type.stage)).map((r) => r.name);
    expect(waitsFor).toEqual(expect.arrayContaining(graph.all(type.route).map((r) => r.name)));
  });
});

describe("the stage", () => {
  test("is the default one, and deploys by itself", async () => {
    expect((await smallEdge()).find(type.stage).inputs).toMatchObject({
      name: "$default",
      autoDeploy: true,
    });
  });

  test("logs every request as one line of JSON, into a group of its own with retention", async () => {
    const graph = await storefront({ logRetentionDays: 30 });
    const { destinationArn, format } = graph.find(type.stage).inputs.accessLogSettings;
    expect(destinationArn).toMatch(/log-group:\/aws\/vendedlogs\/shop-dev-edge$/);
    expect(Object.keys(JSON.parse(format))).toEqual(
      expect.arrayContaining(["requestId", "routeKey", "status", "ms", "authorizerError"]),
    );
    expect(graph.find(type.logs, "edge-access-logs").inputs.retentionInDays).toBe(30);
  });
});

describe("who may call a function", () => {
  test("the API, on the function's own routes and no others", async () => {
    const graph = await storefront();
    const api = "arn:aws:execute-api:eu-central-1:123456789012:edge-id";
    const allowed = graph
      .all(type.permission)
      .filter((p) => p.inputs.principal === "apigateway.amazonaws.com")
      .map((p) => [p.inputs.function, p.inputs.sourceArn]);
    expect(new Set(allowed)).toEqual(
      new Set([
        ["shop-dev-edge-users", `${api}/*/GET/users/*`],
        ["shop-dev-edge-users", `${api}/*/POST/users`],
        ["shop-dev-edge-users", `${api}/*/POST/users/*/uploads`],
        ["shop-dev-edge-users", `${api}/*/GET/users/*/uploads/*`],
        ["shop-dev-edge-auth", `${api}/*/POST/api/auth/*`],
        ["shop-dev-edge-webhooks", `${api}/*/POST/webhooks/*`],
      ]),
    );
  });
});

describe("names", () => {
  test("of permissions hold only what a statement's id may hold", async () => {
    const graph = await storefront();
    const odd = graph.all(type.permission).filter(({ name }) => !/^[\w-]{1,92}$/.test(name));
    expect(odd.map(({ name }) => name)).toEqual([]);
  });
});

describe("what workloads learn", () => {
  test("the edge's URL and the client's id, where they use them", async () => {
    const graph = await storefront();
    const variables = (name: string) =>
      graph.find(type.function, `edge-${name}-function`).inputs.environment.variables;
    expect(variables("webhooks").SPILLWAY_EDGE_EDGE).toBe(
      "https://edge-id.execute-api.eu-central-1.amazonaws.com",
    );
    expect(variables("auth")).toEqual({ SPILLWAY_IDENTITY_IDENTITY: "users-client-id" });
    expect(variables("users")).not.toHaveProperty("SPILLWAY_EDGE_EDGE");
  });

  test("and so do others, by its bindings: where its metrics are, too", async () => {
    const { edge, identity, metrics } = (await storefront()).result.bindings;
    expect([edge?.kind, identity?.kind, metrics?.kind]).toEqual(["edge", "identity", "metrics"]);
    const location = pulumi.output(metrics?.location) as unknown as { promise(): Promise<string> };
    expect(JSON.parse(await location.promise())).toEqual({
      apiId: "edge-id",
      alarmPrefix: "shop-dev-",
    });
  });
});

describe("workloads on containers", () => {
  const network = { vpcId: "vpc-1", subnetIds: ["subnet-1", "subnet-2"] };
  const listeners = {
    hello: { listenerArn: "arn:listener", securityGroupId: "sg-balancer", port: 8080 },
  };
  const placements = { hello: { host: "container" } } as const;
  const onContainer = () => smallEdge({ placements, listeners, network, artefacts: {} });

  test("are reached through a link to their listener, and have no function", async () => {
    const graph = await onContainer();
    expect(graph.find(type.integration).inputs).toMatchObject({
      integrationType: "HTTP_PROXY",
      integrationMethod: "ANY",
      integrationUri: "arn:listener",
      connectionType: "VPC_LINK",
      connectionId: "edge-link-id",
    });
    expect(graph.find(type.route).inputs.target).toBe("integrations/edge-hello-id");
    expect(graph.all(type.function)).toEqual([]);
  });

  test("the link may open connections to the listener's group alone, which lets it in", async () => {
    const graph = await onContainer();
    expect(graph.find(type.link).inputs).toMatchObject({
      subnetIds: network.subnetIds,
      securityGroupIds: ["edge-link-group-id"],
    });
    const tcp = { ipProtocol: "tcp", fromPort: 8080, toPort: 8080 };
    const egress = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
    const ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    expect(graph.find(egress).inputs).toMatchObject({
      ...tcp,
      securityGroupId: "edge-link-group-id",
      referencedSecurityGroupId: "sg-balancer",
    });
    expect(graph.find(ingress).inputs).toMatchObject({
      ...tcp,
      securityGroupId: "sg-balancer",
      referencedSecurityGroupId: "edge-link-group-id",
    });
  });

  test("their tokens are asked for at the gateway too", async () => {
    const graph = await smallEdge(
      { placements, listeners, network, userPool, artefacts: {} },
      { auth: "jwt" },
    );
    expect(graph.find(type.route).inputs.authorizationType).toBe("JWT");
  });

  test("a certificate's name is checked where one is given", async () => {
    const tls = { hello: { ...listeners.hello, serverName: "shop.internal" } };
    const graph = await smallEdge({ placements, listeners: tls, network });
    expect(graph.find(type.integration).inputs.tlsConfig).toEqual({
      serverNameToVerify: "shop.internal",
    });
  });

  test("all share one link", async () => {
    const two = defineSystem({
      name: "two",
      workloads: {
        a: http({ code: "functions/a", routes: ["GET /a"], auth: "none", load }),
        b: http({ code: "functions/b", routes: ["GET /b"], auth: "none", load }),
      },
    });
    const graph = await runUnderMocks(
      () =>
        new ServerlessEdge("edge", {
          system: two,
          network,
          placements: { a: { host: "container" }, b: { host: "container-with-overflow" } },
          listeners: { a: listeners.hello, b: listeners.hello },
        }),
    );
    expect(graph.all(type.link)).toHaveLength(1);
  });
});

describe("the planner's word", () => {
  test("reserved and provisioned concurrency, with an alias that everyone calls", async () => {
    const placements = {
      hello: { host: "function", concurrency: { expected: 4, provisioned: 5, reserved: 20 } },
    } as const;
    const graph = await smallEdge({ placements });
    expect(graph.find(type.function).inputs).toMatchObject({
      reservedConcurrentExecutions: 20,
      publish: true,
    });
    expect(
      graph.find("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig").inputs,
    ).toMatchObject({ qualifier: "live", provisionedConcurrentExecutions: 5 });
    expect(graph.find(type.integration).inputs.integrationUri).toContain(":live/invocations");
    expect(graph.find(type.permission).inputs.qualifier).toBe("live");
  });

  test("a placement of the planner fits as it is", async () => {
    const hello = place("hello", small().workloads.hello);
    const graph = await smallEdge({ placements: { hello } });
    expect(graph.find(type.function).inputs.reservedConcurrentExecutions).toBe(
      hello.concurrency?.reserved,
    );
  });

  test("a function image is deployed from its image", async () => {
    const graph = await smallEdge({
      placements: { hello: { host: "function-image" } },
      artefacts: { hello: { image: "registry/hello@sha256:1" } },
    });
    expect(graph.find(type.function).inputs).toMatchObject({
      packageType: "Image",
      imageUri: "registry/hello@sha256:1",
    });
    expect(graph.find(type.function).inputs.handler).toBeUndefined();
  });
});

describe("faults", () => {
  const message = async (run: Promise<unknown>) =>
    run.then(
      () => "no fault",
      (error: Error) => error.message,
    );

  test("all come in one message, each with what to do", async () => {
    const services = { edge: edge(), identity: identity() };
    const broken = defineSystem({
      name: "broken",
      services,
      workloads: {
        slow: http({
          code: "functions/slow",
          routes: ["GET /slow"],
          load: { ...load, ms: { p50: 100, p99: 45_000 } },
        }),
        gone: http({ code: "functions/gone", routes: ["GET /gone"], auth: "none", load }),
        core: http({ code: "functions/core", routes: ["GET /core"], auth: "none", load }),
      },
    });
    const text = await message(
      runUnderMocks(
        () =>
          new ServerlessEdge("edge", {
            system: broken,
            artefacts: { slow: code },
            placements: { core: { host: "container" } },
            cors: { origins: ["*"], credentials: true },
            logRetentionDays: 8,
          }),
      ),
    );
    expect(text.split("\n")[0]).toBe('ServerlessEdge "edge": 7 faults');
    expect(text).toContain('cors origins "*" with credentials; name the origins');
    expect(text).toContain("logRetentionDays 8; use one of 1, 3, 5, 7, 14");
    expect(text).toContain('workload "slow": load of 45000 ms is over the 30000 ms behind');
    expect(text).toContain('workload "slow": needs a token but no issuer is given; give userPool');
    expect(text).toContain('workload "gone": no code is given; give artefacts["gone"]');
    expect(text).toContain('workload "core": placed on container, and no listener is given');
    expect(text).toContain('workload "core": has a listener, but no network is given');
  });

  test("come before any resource is made", async () => {
    const graph = await runUnderMocks(() => {
      try {
        new ServerlessEdge("edge", { system: small() });
      } catch {
        // What it says is tested above.
      }
    });
    expect(graph.resources.map((r) => r.type)).toEqual(["pulumi:pulumi:Stack"]);
  });

  test("a retention that is only known later is checked in its apply", async () => {
    await expect(smallEdge({ logRetentionDays: pulumi.output(8) })).rejects.toThrow(
      'ServerlessEdge "edge": logRetentionDays 8',
    );
  });

  test.each([
    ["an unknown workload", { workloads: ["ghost"] }, {}, '"ghost": it is not declared'],
    ["no workload", { workloads: [] }, {}, "no http workload"],
    ["bodies over 6 MiB", {}, { maxBodyBytes: 7_000_000 }, "maxBodyBytes 7000000 is over"],
    ["a use without a binding", {}, { uses: { notes: "read" } }, 'give stores["notes"]'],
    [
      "more routes than a resource policy holds",
      {},
      { routes: Array.from({ length: 51 }, (_, n) => `GET /r${n}`) },
      "51 routes, over the 50",
    ],
    [
      "an image that is missing",
      { placements: { hello: { host: "function-image" as const } } },
      {},
      'artefacts["hello"].image',
    ],
    [
      "more provisioned than reserved",
      {
        placements: {
          hello: {
            host: "function" as const,
            concurrency: { expected: 1, provisioned: 9, reserved: 5 },
          },
        },
      },
      {},
      "provisioned concurrency 9 is over the reserved 5",
    ],
  ])("%s is refused", async (_, args, options, expected) => {
    await expect(smallEdge(args, options)).rejects.toThrow(expected);
  });

  test("301 workloads are more than an HTTP API integrates", async () => {
    const names = Array.from({ length: 301 }, (_, n) => `w${n}`);
    const many = defineSystem({
      name: "many",
      workloads: Object.fromEntries(
        names.map((name) => [
          name,
          http({ code: `functions/${name}`, routes: [`GET /${name}`], auth: "none", load }),
        ]),
      ) as Record<string, never>,
    });
    const artefacts = Object.fromEntries(names.map((name) => [name, code]));
    await expect(
      runUnderMocks(() => new ServerlessEdge("edge", { system: many, artefacts })),
    ).rejects.toThrow("301 workloads, over the 300 integrations");
  });
});

describe("as a component", () => {
  test("everything stands under it, and its name begins every name", async () => {
    const graph = await smallEdge();
    const edge = graph.find("spillway:aws:ServerlessEdge");
    for (const child of graph.children(edge)) expect(child.name).toMatch(/^edge/);
    const top = graph.resources.filter((r) => r.custom && graph.parent(r)?.custom === undefined);
    expect(top).toEqual([]);
    expect(graph.children(graph.find("spillway:aws:WorkloadFunction")).length).toBeGreaterThan(3);
  });

  test("raw resources are readable, and each child can be transformed", async () => {
    const graph = await smallEdge({
      transform: {
        api: (args) => ({ ...args, disableExecuteApiEndpoint: true }),
        function: (args, name) => ({
          ...args,
          memorySize: name === "edge-hello-function" ? 512 : 1,
        }),
        stage: (args) => ({ ...args, description: "mine" }),
      },
    });
    expect(graph.find(type.api).inputs.disableExecuteApiEndpoint).toBe(true);
    expect(graph.find(type.function).inputs.memorySize).toBe(512);
    expect(graph.find(type.stage).inputs.description).toBe("mine");
    expect(Object.keys(graph.result.routes)).toEqual(["GET /hello"]);
    expect(Object.keys(graph.result.functions)).toEqual(["hello"]);
  });
});
