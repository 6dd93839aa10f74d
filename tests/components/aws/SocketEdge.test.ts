import { beforeAll, describe, expect, test } from "vitest";
import { portsOf } from "../../../components/aws/balancer-plan.ts";
import { scalingOf } from "../../../components/aws/scaling-plan.ts";
import { nothingHere } from "../../../components/aws/socket-plan.ts";
import type { Graph } from "../harness.ts";
import { userPool } from "./fixtures.ts";
import { type LiveOptions, live, type makeLive, runLive, sockets } from "./socket-fixtures.ts";

const type = {
  delivery: "aws:cloudwatch/logDelivery:LogDelivery",
  destination: "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
  distribution: "aws:cloudfront/distribution:Distribution",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  filter: "aws:cloudwatch/logMetricFilter:LogMetricFilter",
  function: "aws:cloudfront/function:Function",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  listener: "aws:lb/listener:Listener",
  origin: "aws:cloudfront/vpcOrigin:VpcOrigin",
  scaling: "aws:appautoscaling/policy:Policy",
  source: "aws:cloudwatch/logDeliverySource:LogDeliverySource",
  task: "aws:ecs/taskDefinition:TaskDefinition",
} as const;

let graph: Graph<ReturnType<typeof makeLive>>;
let port: Readonly<Record<string, number>>;
beforeAll(async () => {
  graph = await runLive();
  port = portsOf(sockets);
});
const distribution = (of = graph) => of.find(type.distribution).inputs;

describe("the way in for web sockets", () => {
  test("is an origin for each, at the workload's own port of the internal load balancer", () => {
    expect(graph.all(type.origin).map(({ inputs }) => inputs.vpcOriginEndpointConfig)).toEqual(
      sockets.map((name) => ({
        name: `shop-dev-sockets-${name}`,
        arn: expect.stringContaining("loadbalancer/app/shop-dev-balancer"),
        httpPort: port[name],
        httpsPort: port[name],
        originProtocolPolicy: "http-only",
        originSslProtocols: { items: ["TLSv1.2"], quantity: 1 },
      })),
    );
    expect(graph.find("aws:lb/loadBalancer:LoadBalancer").inputs.internal).toBe(true);
  });

  test("leads each socket's path to its origin, with the headers of an upgrade, and caches nothing", () => {
    expect(distribution().orderedCacheBehaviors).toEqual(
      sockets.map((name) =>
        expect.objectContaining({
          pathPattern: `/${name}`,
          targetOriginId: name,
          // Managed: CachingDisabled and AllViewer.
          cachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
          originRequestPolicyId: "216adef6-5c7f-47e4-b989-5492eafa07d3",
        }),
      ),
    );
  });

  test("answers 404 to every other path, before it reaches the network", () => {
    const { functionAssociations } = distribution().defaultCacheBehavior;
    const refusing = graph.find(type.function);
    expect(functionAssociations).toEqual([
      { eventType: "viewer-request", functionArn: expect.stringContaining("sockets-nothing") },
    ]);
    expect(refusing.inputs).toMatchObject({ runtime: "cloudfront-js-2.0", publish: true });
    const handler = new Function(`${nothingHere}; return handler;`)() as (event: object) => object;
    expect(handler({ request: { uri: "/" } })).toMatchObject({ statusCode: 404 });
  });

  test("takes wss alone, and of methods the one that upgrades", () => {
    const { defaultCacheBehavior, orderedCacheBehaviors, httpVersion } = distribution();
    for (const behaviour of [defaultCacheBehavior, ...orderedCacheBehaviors])
      expect(behaviour).toMatchObject({
        viewerProtocolPolicy: "https-only",
        allowedMethods: ["GET", "HEAD"],
      });
    expect(httpVersion).toBe("http1.1");
  });

  test("needs no domain of one's own, and takes one, with TLS 1.2 at the least", async () => {
    expect(distribution().viewerCertificate).toEqual({ cloudfrontDefaultCertificate: true });
    const domain = {
      name: "live.shop.example",
      certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1",
    };
    const own = await runLive({ edge: { domain } });
    expect(distribution(own)).toMatchObject({
      aliases: [domain.name],
      viewerCertificate: { minimumProtocolVersion: "TLSv1.2_2021", sslSupportMethod: "sni-only" },
    });
  });

  test("is told to clients with scheme and path", async () => {
    const urls = await Promise.all(
      Object.values(graph.result.edge?.urls ?? {}).map(
        (url) => new Promise((done) => url.apply(done)),
      ),
    );
    expect(urls).toEqual([
      "wss://sockets.cloudfront.net/presence",
      "wss://sockets.cloudfront.net/ticker",
    ]);
  });

  test("has a web ACL where one is given", async () => {
    const webAclArn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1";
    expect(distribution().webAclId).toBeUndefined();
    expect(distribution(await runLive({ edge: { webAclArn } })).webAclId).toBe(webAclArn);
  });

  test("asks the listeners' certificate by its name where they have one", async () => {
    const certificate = { arn: "arn:aws:acm:eu-central-1:1:certificate/1", serverName: "in.shop" };
    const secured = await runLive({ balancer: { certificate } });
    expect(secured.all(type.origin)[0]?.inputs.vpcOriginEndpointConfig).toMatchObject({
      originProtocolPolicy: "https-only",
    });
    expect(distribution(secured).origins[0].domainName).toBe("in.shop");
    // Managed: AllViewerExceptHostHeader.
    expect(distribution(secured).orderedCacheBehaviors[0].originRequestPolicyId).toBe(
      "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    );
  });
});

describe("who reaches the load balancer", () => {
  test("is CloudFront's own group, at the sockets' ports, and nobody else", () => {
    const rules = graph
      .all(type.ingress)
      .filter(({ inputs }) => inputs.securityGroupId === "balancer-group-id");
    expect(rules.map(({ inputs }) => [inputs.referencedSecurityGroupId, inputs.fromPort])).toEqual(
      sockets.map((name) => ["cloudfront-group-id", port[name]]),
    );
  });

  test("is looked up once the first origin is there, which makes that group", () => {
    const [rule] = graph
      .all(type.ingress)
      .filter(({ name }) => name === "sockets-presence-from-cloudfront");
    const needs = graph.dependencies(rule as NonNullable<typeof rule>).map(({ name }) => name);
    expect(needs).toEqual(expect.arrayContaining(["sockets-presence", "sockets-ticker"]));
  });

  test("what comes in comes from a group everywhere, and nothing is public but CloudFront", () => {
    for (const { inputs } of graph.all(type.ingress)) {
      expect(inputs.referencedSecurityGroupId).toBeDefined();
      expect([inputs.cidrIpv4, inputs.cidrIpv6, inputs.prefixListId]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
    for (const { inputs } of graph.all("aws:ec2/subnet:Subnet"))
      expect(inputs.mapPublicIpOnLaunch).toBe(false);
    for (const { inputs } of graph.all("aws:ecs/service:Service"))
      expect(inputs.networkConfiguration.assignPublicIp).toBe(false);
    expect(graph.all("aws:ec2/eip:Eip")).toHaveLength(1);
  });

  test("the balancer goes on to the tasks, and to nothing else", () => {
    const out = graph
      .all(type.egress)
      .filter(({ inputs }) => inputs.securityGroupId === "balancer-group-id")
      .map(({ inputs }) => [inputs.referencedSecurityGroupId, inputs.fromPort]);
    expect(out).toEqual([
      ["core-presence-group-id", 8080],
      ["core-ticker-group-id", 8080],
    ]);
  });

  test("has an internet gateway to be reached by, with no route to it where there is no NAT", async () => {
    const closed = await runLive({
      network: { nat: "none", endpoints: ["registry", "logs", "identity"] },
    });
    expect(closed.all("aws:ec2/internetGateway:InternetGateway")).toHaveLength(1);
    expect(closed.all("aws:ec2/route:Route")).toEqual([]);
  });
});

describe("access logs of sockets", () => {
  test("are delivered into a private bucket that forgets, from where CloudFront keeps them", () => {
    expect(graph.find(type.source).inputs).toMatchObject({
      region: "us-east-1",
      logType: "ACCESS_LOGS",
      resourceArn: "arn:aws:cloudfront::123456789012:distribution/sockets-id",
    });
    expect(graph.find(type.destination).inputs.outputFormat).toBe("json");
    const [tls, write] = graph.policy("sockets-logs-tls").Statement;
    expect(tls?.Effect).toBe("Deny");
    expect(write).toMatchObject({
      Action: ["s3:PutObject"],
      Principal: { Service: "delivery.logs.amazonaws.com" },
      Condition: {
        StringEquals: { "aws:SourceAccount": "123456789012" },
        ArnLike: {
          "aws:SourceArn":
            "arn:aws:logs:us-east-1:123456789012:delivery-source:shop-dev-sockets-access",
        },
      },
    });
  });

  test("hold no token: neither query nor cookies nor headers of the client's own", () => {
    const { recordFields } = graph.find(type.delivery).inputs;
    expect(recordFields).toContain("sc-status");
    expect(recordFields.join(" ")).not.toMatch(/query|cookie|\(|authorization/i);
  });
});

describe("the tasks behind", () => {
  const environment = (workload: string, of = graph): Record<string, string> => {
    const { containerDefinitions } = of.find(type.task, `core-${workload}-task`).inputs;
    return Object.fromEntries(
      JSON.parse(containerDefinitions)[0].environment.map(
        ({ name, value }: { name: string; value: string }) => [name, value],
      ),
    );
  };

  test("know whose tokens count, where sockets need one, and reach the keys", async () => {
    expect(environment("presence")).toMatchObject({
      SPILLWAY_TOKEN_ISSUER: userPool.issuer,
      SPILLWAY_TOKEN_AUDIENCE: userPool.clientId,
      SPILLWAY_TOKEN_JWKS: `${userPool.issuer}/.well-known/jwks.json`,
    });
    expect(environment("ticker")).not.toHaveProperty("SPILLWAY_TOKEN_ISSUER");
    const endpoints = ["registry", "logs", "identity"] as const;
    const closed = await runLive({ network: { nat: "none", endpoints } });
    const toKeys = closed
      .all(type.egress)
      .filter(({ inputs }) => inputs.referencedSecurityGroupId === "network-identity-group-id")
      .map(({ inputs }) => inputs.securityGroupId);
    expect(toKeys).toEqual(["core-presence-group-id"]);
  });

  test("know the stack's pages, which alone may open sockets", async () => {
    expect(environment("ticker")).not.toHaveProperty("SPILLWAY_ORIGINS");
    const origins = ["https://a.example", "https://b.example"];
    const own = await runLive({ core: { origins } });
    expect(environment("ticker", own)).toMatchObject({ SPILLWAY_ORIGINS: origins.join(",") });
  });

  test("report their sockets under the stack's own name", () => {
    expect(environment("presence").SPILLWAY_METRICS).toMatch(/-dev-core-presence$/);
  });

  test("are told to stop soon after nothing new comes to them, to close sockets themselves", () => {
    for (const name of sockets)
      expect(graph.find("aws:lb/targetGroup:TargetGroup", `balancer-${name}`).inputs).toMatchObject(
        { deregistrationDelay: 5 },
      );
  });

  test("follow the connections that each of them says that it holds", () => {
    const filter = graph.find(type.filter, "core-presence-connections").inputs;
    const policy = graph.find(type.scaling, "core-presence-connections");
    expect(filter).toMatchObject({
      logGroupName: "/aws/ecs/shop-dev-core-presence",
      pattern: "{ $.Connections = * }",
      metricTransformation: { value: "$.Connections" },
    });
    expect(policy.inputs.targetTrackingScalingPolicyConfiguration).toMatchObject({
      customizedMetricSpecification: {
        namespace: filter.metricTransformation.namespace,
        metricName: filter.metricTransformation.name,
        statistic: "Average",
      },
      targetValue: 2_500,
    });
  });

  test("count connections of their own stack alone", () => {
    const { metricTransformation } = graph.find(type.filter, "core-ticker-connections").inputs;
    expect(metricTransformation.namespace).toBe("Spillway/shop-dev-core-ticker");
  });

  test("hold half of what they can, by memory and at all, or what the stack says", () => {
    expect(scalingOf(live.workloads.presence)).toMatchObject({ min: 2, target: 2_500 });
    expect(scalingOf(live.workloads.ticker).target).toBe(
      (live.workloads.ticker.load.memoryMb * 10) / 2,
    );
    expect(scalingOf(live.workloads.presence, { connections: 900 }).target).toBe(900);
  });

  test("stay while connections are silent for longer than a heartbeat", () => {
    expect(graph.find("aws:lb/loadBalancer:LoadBalancer").inputs.idleTimeout).toBe(60);
  });
});

describe("what cannot work is refused, with what to do", () => {
  test.each<[string, LiveOptions, string]>([
    [
      "no internet gateway",
      {
        network: {
          nat: "none",
          internetGateway: false,
          endpoints: ["registry", "logs", "identity"],
        },
      },
      "the network has no internet gateway, without which CloudFront reaches none; give network.internetGateway",
    ],
    [
      "a heartbeat slower than the load balancer is patient",
      { workloads: ["patient"] },
      'workload "patient": a heartbeat every 90 s, while what is silent for 60 s is closed on the way; give the Balancer idleSeconds over 90, or a shorter heartbeat',
    ],
    [
      "a socket that the load balancer does not listen for",
      { balancer: { workloads: ["presence"] } },
      'workload "ticker": the load balancer does not listen for it; give it to the Balancer as well',
    ],
    [
      "tokens that nobody signs",
      { core: { userPool: undefined } },
      'workload "presence": needs a token but no issuer is given; give userPool, or say auth: "none"',
    ],
    [
      "tokens whose keys are out of reach",
      { network: { nat: "none", endpoints: ["registry", "logs"] } },
      'workload "presence": runs inside the network in a container, which has no door to identity',
    ],
    [
      "more connections than a task holds",
      { core: { capacity: { presence: { connections: 5_000 } } } },
      "capacity.connections 5000; give 1 to 4999, for a task holds 5000 and refuses the rest",
    ],
    [
      "patience out of range",
      { balancer: { idleSeconds: 0 } },
      "idleSeconds 0; give whole seconds",
    ],
  ])("%s", async (_, options, message) => {
    await expect(runLive(options)).rejects.toThrow(message);
  });

  test("a slower heartbeat goes with a more patient load balancer", async () => {
    const patient = await runLive({ workloads: ["patient"], balancer: { idleSeconds: 120 } });
    expect(patient.find("aws:lb/loadBalancer:LoadBalancer").inputs.idleTimeout).toBe(120);
  });
});
