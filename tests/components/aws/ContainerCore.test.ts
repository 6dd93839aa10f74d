import { execFile } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { portsOf } from "../../../components/aws/balancer-plan.ts";
import type { ContainerCore } from "../../../components/aws/ContainerCore.ts";
import { connectionFaults } from "../../../components/aws/container-plan.ts";
import { broadReason } from "../../../components/aws/permissions.ts";
import { type Capacity, scalingOf } from "../../../components/aws/scaling-plan.ts";
import { tellLiveness } from "../../../runtime/entries/ecs/liveness.ts";
import { job, onMessage } from "../../../spec/index.ts";
import type { Graph } from "../harness.ts";
import { type CoreOptions, core, onContainers, shop } from "./core-fixtures.ts";
import { load } from "./fixtures.ts";

const type = {
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  balancer: "aws:lb/loadBalancer:LoadBalancer",
  cluster: "aws:ecs/cluster:Cluster",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  listener: "aws:lb/listener:Listener",
  policy: "aws:iam/rolePolicy:RolePolicy",
  scaling: "aws:appautoscaling/policy:Policy",
  service: "aws:ecs/service:Service",
  target: "aws:appautoscaling/target:Target",
  targetGroup: "aws:lb/targetGroup:TargetGroup",
  task: "aws:ecs/taskDefinition:TaskDefinition",
} as const;

let graph: Graph<ContainerCore>;
beforeAll(async () => {
  graph = await core();
});
const service = (workload: string, of = graph) =>
  of.find(type.service, `core-${workload}-service`).inputs;
const task = (workload: string) => graph.find(type.task, `core-${workload}-task`).inputs;
const container = (workload: string) => {
  const [only, ...others] = JSON.parse(task(workload).containerDefinitions);
  expect(others).toEqual([]);
  return only;
};
const environment = (workload: string): Record<string, string> =>
  Object.fromEntries(
    container(workload).environment.map(({ name, value }: Record<string, string>) => [name, value]),
  );

describe("a cluster", () => {
  test("has a service for each workload, and tells what its containers do", () => {
    expect(graph.all(type.service).map(({ name }) => name)).toEqual(
      [...onContainers].sort().map((name) => `core-${name}-service`),
    );
    expect(graph.find(type.cluster).inputs.settings).toEqual([
      { name: "containerInsights", value: "enabled" },
    ]);
  });

  test("starts all of them from one image, by its digest", () => {
    const images = new Set(onContainers.map((name) => container(name).image));
    expect([...images]).toEqual([
      "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop-dev-image@sha256:abc123",
    ]);
    for (const name of onContainers)
      expect(container(name).command).toEqual([`workloads/${name}/index.mjs`]);
  });

  test("keeps images by tags that another build may take, scans them, and forgets the oldest", () => {
    expect(graph.find("aws:ecr/repository:Repository").inputs).toMatchObject({
      imageTagMutability: "MUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      forceDelete: false,
    });
    const { repositoryUrl, ...build } = graph.find("awsx:ecr:Image").inputs;
    expect(build).toEqual({ context: "context", platform: "linux/arm64", imageTag: "abc123" });
    const { rules } = graph.policy("image-lifecycle") as unknown as { rules: object[] };
    expect(rules).toHaveLength(1);
  });
});

describe("a task", () => {
  test("cannot write its file system, has no capabilities, and drains before it is killed", () => {
    for (const name of onContainers)
      expect(container(name)).toMatchObject({
        readonlyRootFilesystem: true,
        privileged: false,
        linuxParameters: { capabilities: { drop: ["ALL"] } },
        stopTimeout: 30,
      });
  });

  test("runs on arm64, with the memory that is declared and the CPU that comes with it", () => {
    expect(task("report")).toMatchObject({
      requiresCompatibilities: ["FARGATE"],
      networkMode: "awsvpc",
      runtimePlatform: { cpuArchitecture: "ARM64" },
      memory: "2048",
    });
  });

  test("knows where its resources are, and whom to trust", () => {
    const own = environment("orders");
    expect(Object.keys(own)).toEqual([
      "NODE_EXTRA_CA_CERTS",
      "SPILLWAY_CACHE_LIVE",
      "SPILLWAY_METRICS",
      "SPILLWAY_QUEUE_PLACED",
      "SPILLWAY_SQL_LEDGER",
      "SPILLWAY_TOKEN_AUDIENCE",
      "SPILLWAY_TOKEN_ISSUER",
      "SPILLWAY_TOKEN_JWKS",
    ]);
    expect(own.NODE_EXTRA_CA_CERTS).toBe("/app/certificates/rds.pem");
    expect(own.SPILLWAY_SQL_LEDGER).toMatch(/^postgres:\/\/spillway@[\w.-]+:5432\/ledger$/);
  });

  test("of a consumer knows its queue", () => {
    expect(Object.keys(environment("fulfil"))).toEqual([
      "SPILLWAY_DEAD_LETTERS",
      "SPILLWAY_HEALTH_PORT",
      "SPILLWAY_SOURCE_QUEUE",
      "SPILLWAY_TABLE_CATALOG",
    ]);
  });

  test("that no load balancer asks is asked by ECS whether it is alive", async () => {
    const { command, ...often } = container("fulfil").healthCheck;
    expect(often).toEqual({ interval: 30, timeout: 10, retries: 3, startPeriod: 60 });
    expect(container("report").healthCheck).toBeDefined();
    expect(container("orders").healthCheck).toBeUndefined();

    let alive = true;
    const server = tellLiveness(0, () => alive);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const [, node, ...args] = command;
    const check = () =>
      promisify(execFile)(node, args, { env: { ...process.env, SPILLWAY_HEALTH_PORT: `${port}` } });
    await expect(check()).resolves.toBeDefined();
    alive = false;
    await expect(check()).rejects.toMatchObject({ code: 1 });
    server.close();
    await once(server, "close");
    await expect(check()).rejects.toMatchObject({ code: 1 });
  });

  test("logs into a group of its own, which forgets", () => {
    for (const name of onContainers) {
      const { name: group, retentionInDays } = graph.find(
        "aws:cloudwatch/logGroup:LogGroup",
        `core-${name}-logs`,
      ).inputs;
      expect(retentionInDays).toBe(14);
      expect(container(name).logConfiguration.options["awslogs-group"]).toBe(group);
    }
  });
});

describe("permissions", () => {
  const statements = (name: string) =>
    graph.policy(name).Statement.map(({ Sid, Action }) => [Sid, ...Action]);

  test("of a task are its uses", () => {
    expect(statements("core-orders-policy")).toEqual([
      ["SqlLedger", "rds-db:connect"],
      ["CacheLive", "elasticache:Connect"],
      ["CacheLiveUser", "elasticache:Connect"],
      ["QueuePlaced", "sqs:SendMessage"],
    ]);
  });

  test("of a task without uses are none, and so there is no policy", () => {
    expect(graph.all(type.policy).map(({ name }) => name)).not.toContain("core-status-policy");
    expect(graph.find("aws:iam/role:Role", "core-status-role")).toBeDefined();
  });

  test("of a consumer are its uses, its queue, and its dead letters", () => {
    expect(statements("core-fulfil-policy")).toEqual([
      ["TableCatalog", "dynamodb:PutItem"],
      [
        "Source",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
      ],
      ["DeadLetters", "sqs:SendMessage"],
    ]);
  });

  test("of a job let it ask not to be ended while it works, and no other may", () => {
    const asking = (name: string) =>
      graph.policy(`core-${name}-policy`).Statement.filter(({ Sid }) => Sid === "Protection");
    expect(asking("report")).toMatchObject([
      {
        Action: ["ecs:UpdateTaskProtection"],
        Resource: ["arn:aws:ecs:eu-central-1:123456789012:task/shop-dev-core/*"],
      },
    ]);
    expect([...asking("orders"), ...asking("fulfil")]).toEqual([]);
  });

  test("to start tasks are for the one image and the workloads' own logs", () => {
    const [login, image, logs] = graph.policy("core-execution-policy").Statement;
    expect(login).toMatchObject({ Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] });
    expect(image?.Resource).toEqual([
      "arn:aws:ecr:eu-central-1:123456789012:repository/shop-dev-image",
    ]);
    expect(logs?.Resource).toHaveLength(onContainers.length);
  });

  test("have no wildcard without a reason, and no role that others could borrow", () => {
    for (const { name } of graph.all(type.policy))
      for (const { Sid = "", Resource, Action } of graph.policy(name).Statement) {
        expect(Action.filter((action) => action.includes("*"))).toEqual([]);
        if (Resource.some((resource) => resource.endsWith("*")))
          expect([name, Sid, broadReason(Sid)]).not.toContain(undefined);
      }
    for (const { inputs } of graph.all("aws:iam/role:Role"))
      if (inputs.assumeRolePolicy.includes("ecs-tasks"))
        expect(inputs.assumeRolePolicy).toContain('"aws:SourceAccount":"123456789012"');
  });
});

describe("a service", () => {
  test("is spread over the zones, inside the network, without public addresses", () => {
    for (const name of onContainers) {
      expect(service(name).networkConfiguration).toMatchObject({
        subnets: ["network-inside-1-id", "network-inside-2-id"],
        assignPublicIp: false,
      });
      expect(service(name).availabilityZoneRebalancing).toBe("ENABLED");
    }
  });

  test("goes back where new tasks do not become healthy, and never has fewer meanwhile", () => {
    for (const name of onContainers)
      expect(service(name)).toMatchObject({
        deploymentCircuitBreaker: { enable: true, rollback: true },
        deploymentMinimumHealthyPercent: 100,
        enableExecuteCommand: false,
      });
  });

  test("is waited for until it is steady, but for jobs, whose tasks may have hours to go", () => {
    const waited = onContainers.map((name) => [name, service(name).waitForSteadyState]);
    expect(Object.fromEntries(waited)).toEqual({
      orders: true,
      status: true,
      fulfil: true,
      report: false,
    });
  });

  test("waits for what its tasks need to start", () => {
    const { name } = graph.find(type.service, "core-orders-service");
    const needs = graph.dependencies(graph.find(type.service, name)).map((each) => each.name);
    for (const each of ["core-execution-policy", "core-orders-policy", "balancer-orders", "core"])
      expect(needs).toContain(each);
    const rules = [type.egress, type.ingress]
      .flatMap((token) => graph.all(token))
      .filter((rule) => /\bcore-orders\b/.test(rule.name));
    expect(rules.length).toBeGreaterThan(1);
    for (const rule of rules) expect(needs).toContain(rule.name);
  });

  test("runs its tasks beyond the fewest on Spot, as far as the stack says", async () => {
    const half = await core({ core: { capacity: { orders: { min: 2, spot: 50 } } } });
    expect(service("orders", half).capacityProviderStrategies).toEqual([
      { capacityProvider: "FARGATE", base: 2, weight: 50 },
      { capacityProvider: "FARGATE_SPOT", weight: 50 },
    ]);
    expect(service("orders").capacityProviderStrategies).toEqual([
      { capacityProvider: "FARGATE", base: 2, weight: 100 },
    ]);
    const all = await core({ core: { capacity: { orders: { min: 3, spot: 100 } } } });
    expect(service("orders", all).capacityProviderStrategies).toEqual([
      { capacityProvider: "FARGATE", base: 3, weight: 1 },
      { capacityProvider: "FARGATE_SPOT", weight: 1000 },
    ]);
  });
});

describe("the load balancer", () => {
  test("is inside, keeps access logs, and drops headers that are none", () => {
    expect(graph.find(type.balancer).inputs).toMatchObject({
      internal: true,
      dropInvalidHeaderFields: true,
      enableDeletionProtection: true,
      accessLogs: { enabled: true },
    });
    const logs = graph.policy("balancer-logs-tls").Statement;
    expect(logs.map(({ Sid, Effect }) => [Sid, Effect])).toEqual([
      ["TlsOnly", "Deny"],
      ["AccessLogs", "Allow"],
    ]);
    expect(logs[1]).toMatchObject({
      Action: ["s3:PutObject"],
      Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
    });
  });

  test("has a listener for each workload, which the edge's link leads to", () => {
    const listeners = graph.all(type.listener);
    expect(listeners.map(({ name }) => name)).toEqual(["balancer-orders", "balancer-status"]);
    const integrations = graph.all("aws:apigatewayv2/integration:Integration");
    expect(integrations.map(({ inputs }) => inputs.integrationUri)).toEqual(
      listeners.map(({ name, inputs }) =>
        `${inputs.loadBalancerArn}/${name}`.replace(":loadbalancer/", ":listener/"),
      ),
    );
  });

  test("speaks TLS where the stack has a certificate, whose name the edge's link checks", async () => {
    const certificate = { arn: "arn:aws:acm:c", serverName: "inside.shop.example" };
    const secured = await core({
      certificate,
      config: { cutover: { orders: { function: 10 } } },
    });
    for (const { inputs } of secured.all(type.listener))
      expect(inputs).toMatchObject({
        protocol: "HTTPS",
        certificateArn: "arn:aws:acm:c",
        sslPolicy: expect.stringContaining("TLS13"),
      });
    for (const { inputs } of secured.all("aws:apigatewayv2/integration:Integration"))
      expect(inputs.tlsConfig).toEqual({ serverNameToVerify: "inside.shop.example" });
  });

  test("asks tasks whether they are well, and takes them out as long as they drain", () => {
    for (const { inputs } of graph.all(type.targetGroup))
      expect(inputs).toMatchObject({
        targetType: "ip",
        port: 8080,
        deregistrationDelay: 25,
        healthCheck: { path: "/healthz" },
      });
  });

  test("keeps a workload's port when others come and go", () => {
    const all = portsOf(["orders", "graphql", "status"]);
    expect(portsOf(["status", "orders"])).toEqual({ status: all.status, orders: all.orders });
    expect(new Set(Object.values(all)).size).toBe(3);
    const many = portsOf(Array.from({ length: 500 }, (_, index) => `w${index}`));
    expect(new Set(Object.values(many)).size).toBe(500);
  });
});

describe("who may connect to whom", () => {
  const nameOf = (id: unknown) => String(id).replace(/-id$/, "");
  const flows = (of = graph) =>
    of
      .all(type.egress)
      .map(({ inputs }) => [
        nameOf(inputs.securityGroupId),
        inputs.cidrIpv4 ?? nameOf(inputs.referencedSecurityGroupId ?? inputs.prefixListId),
        inputs.fromPort,
      ]);

  test("is the edge's link to the balancer, it to the tasks, they to their stores", () => {
    const { orders, status } = portsOf(["orders", "status"]);
    expect(flows().filter(([, to]) => to !== "0.0.0.0/0")).toEqual(
      expect.arrayContaining([
        ["edge-link-group", "balancer-group", orders],
        ["edge-link-group", "balancer-group", status],
        ["balancer-group", "core-orders-group", 8080],
        ["balancer-group", "core-status-group", 8080],
        ["core-orders-group", "stores-ledger-group", 5432],
        ["core-orders-group", "stores-live-group", 6379],
      ]),
    );
  });

  test("what comes in comes from a group, never from an address", () => {
    expect(graph.all(type.ingress).length).toBeGreaterThan(5);
    for (const { inputs } of graph.all(type.ingress)) {
      expect(inputs.referencedSecurityGroupId).toBeDefined();
      expect([inputs.cidrIpv4, inputs.cidrIpv6, inputs.prefixListId]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
  });

  test("what goes out to everywhere is HTTPS through NAT, and of tasks alone", () => {
    const out = flows().filter(([, to]) => to === "0.0.0.0/0");
    expect(out.map(([from, , port]) => [from, port])).toEqual(
      [...onContainers].sort().map((name) => [`core-${name}-group`, 443]),
    );
  });

  test("with all doors nothing goes out to everywhere", async () => {
    const closed = await core({
      network: { nat: "none", endpoints: ["queue", "identity", "registry", "logs"] },
    });
    expect(flows(closed).filter(([, to]) => to === "0.0.0.0/0")).toEqual([]);
    expect(flows(closed)).toContainEqual(["core-orders-group", "network-queue-group", 443]);
  });

  test("nothing has a public address but NAT", () => {
    expect(graph.all("aws:ec2/eip:Eip")).toHaveLength(1);
    for (const { inputs } of graph.all("aws:ec2/subnet:Subnet"))
      expect(inputs.mapPublicIpOnLaunch).toBe(false);
  });

  test("no secret is an input of anything", () => {
    expect(graph.resources.flatMap(({ secrets }) => secrets)).toEqual([]);
    for (const { inputs } of graph.resources)
      expect(JSON.stringify(inputs)).not.toMatch(/:\/\/[^/@:"]+:[^/@"]+@|"password"/);
  });
});

describe("the number of tasks", () => {
  const bounds = (workload: string) => graph.find(type.target, `core-${workload}-scaling`).inputs;

  test("follows requests per task where there are requests", () => {
    const [policy] = graph.all(type.scaling).filter(({ name }) => name === "core-orders-requests");
    const { predefinedMetricSpecification, targetValue } =
      policy?.inputs.targetTrackingScalingPolicyConfiguration ?? {};
    expect(predefinedMetricSpecification).toEqual({
      predefinedMetricType: "ALBRequestCountPerTarget",
      resourceLabel: "app/shop-dev-balancer/0123/targetgroup/shop-dev-balancer-orders/4567",
    });
    expect(targetValue).toBe(scalingOf(shop.workloads.orders).target);
    expect(bounds("orders").minCapacity).toBe(2);
  });

  test("follows the backlog where there is a queue, down to none, and wakes from none", () => {
    expect(bounds("fulfil").minCapacity).toBe(0);
    const follow = graph.find(type.scaling, "core-fulfil-backlog").inputs;
    const { metrics } =
      follow.targetTrackingScalingPolicyConfiguration.customizedMetricSpecification;
    expect(metrics.at(-1)).toMatchObject({
      expression: "(waiting + inwork) / IF(FILL(running, 0) > 0, running, 1)",
    });
    const wake = graph.find(type.alarm, "core-fulfil-wake").inputs;
    expect(wake.alarmActions).toHaveLength(1);
    const [waiting] = wake.metricQueries;
    expect(waiting.metric.dimensions).toEqual({ QueueName: "shop-dev-stores-placed" });
    expect(graph.find(type.scaling, "core-fulfil-wake").inputs).toMatchObject({
      policyType: "StepScaling",
      stepScalingPolicyConfiguration: {
        adjustmentType: "ExactCapacity",
        stepAdjustments: [{ scalingAdjustment: 1 }],
      },
    });
  });

  test("begins with the fewest", () => {
    expect(service("orders").desiredCount).toBe(2);
    expect(service("fulfil").desiredCount).toBe(0);
  });

  test("comes from the declared load: a task for what one has in work at the peak, and a half more", () => {
    expect(scalingOf(shop.workloads.orders)).toMatchObject({ min: 2, spot: 0 });
    expect(scalingOf(shop.workloads.orders).max).toBeGreaterThanOrEqual(5);
    expect(scalingOf(shop.workloads.status)).toMatchObject({ min: 2, max: 4 });
    const slow = job({
      code: "c",
      queue: "q",
      load: { ...load, ms: { p50: 90_000, p99: 90_000 } },
    });
    expect(scalingOf(slow)).toMatchObject({ min: 0, target: 1 });
    const quick = onMessage({
      code: "c",
      queue: "q",
      load: { ...load, ms: { p50: 100, p99: 100 } },
    });
    expect(scalingOf(quick).target).toBe(6_000);
  });
});

describe("what cannot run is refused, with what to do", () => {
  const capacity = (orders: Capacity): CoreOptions => ({ core: { capacity: { orders } } });
  test.each<[string, CoreOptions, string]>([
    [
      "a workload on a function",
      { core: { placements: { orders: { host: "function" } } } },
      "placed on function; leave it out",
    ],
    [
      "overflow without a twin",
      { core: { placements: { orders: { host: "container-with-overflow" } } } },
      'placed on container-with-overflow, and no twin is given; give twins["orders"]',
    ],
    [
      "a GPU for who needs none",
      { core: { placements: { orders: { host: "gpu-container" } } } },
      "it is placed on gpu-container, and says of no GPU that it needs one; say gpu: true",
    ],
    [
      "a socket that nothing leads to",
      { core: { workloads: ["presence"] } },
      'workload "presence": no load balancer has a target for it; give tasks["presence"]',
    ],
    [
      "no balancer",
      { core: { balancer: undefined } },
      'workload "orders": no load balancer has a target for it',
    ],
    [
      "no queue",
      { core: { consumers: {} } },
      'workload "fulfil": no queue is given for it; give consumers["fulfil"]',
    ],
    [
      "no issuer",
      { core: { userPool: undefined } },
      'workload "orders": needs a token but no issuer is given',
    ],
    [
      "no store",
      { core: { stores: {} } },
      'uses sql "ledger", which is not bound; give stores["ledger"]',
    ],
    [
      "no door",
      { network: { nat: "none", endpoints: ["registry", "logs", "identity"] } },
      'workload "orders": runs inside the network in a container, which has no door to queue; give network.endpoints: [queue], or network.nat: one',
    ],
    ["fewer than none", capacity({ min: 3, max: 2 }), "capacity of 3 to 2 tasks"],
    ["more than all on Spot", capacity({ spot: 101 }), "capacity.spot 101; give percent, 0 to 100"],
    [
      "capacity of nobody",
      { core: { capacity: { presence: {} } } },
      "capacity.presence: it is on no container here",
    ],
  ])("%s", async (_, options, message) => {
    await expect(core(options)).rejects.toThrow(message);
  });

  test("more connections than the database has", () => {
    const placements = { orders: { host: "container" as const } };
    const args = { system: shop, workloads: ["orders"], placements };
    const held = (max: number) => connectionFaults({ ...args, capacity: { orders: { max } } }, 180);
    expect(held(18)).toEqual([]);
    expect(held(19)).toEqual([
      'sql "ledger": orders 190 connections at the most, over the 180 of database.connections; raise it to 190 with database.instanceClass, or lower the workloads\' capacity.max',
    ]);
  });

  test("a function without a cap before the database", () => {
    const concurrency = { expected: 1 };
    const uncapped = { orders: { host: "function" as const, concurrency } };
    const capped = {
      orders: { host: "function" as const, concurrency: { ...concurrency, reserved: 180 } },
    };
    const faults = (placements: typeof uncapped) =>
      connectionFaults({ system: shop, workloads: ["orders"], placements }, 180);
    expect(faults(uncapped)).toEqual([expect.stringContaining("orders Infinity connections")]);
    expect(faults(capped)).toEqual([]);
  });
});
