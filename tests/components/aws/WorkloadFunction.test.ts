import { describe, expect, test } from "vitest";
import { WorkloadFunction } from "../../../components/aws/Function.ts";
import { broadReason } from "../../../components/aws/permissions.ts";
import type { NetworkPlace } from "../../../components/aws/security-groups.ts";
import {
  api,
  cache,
  defineSystem,
  http,
  identity,
  sql,
  table,
  usesOf,
} from "../../../spec/index.ts";
import { type Graph, runUnderMocks } from "../harness.ts";
import {
  code,
  hooks,
  load,
  served,
  small,
  smallEdge,
  storefront,
  system,
  userPool,
} from "./fixtures.ts";

const type = {
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  function: "aws:lambda/function:Function",
  group: "aws:ec2/securityGroup:SecurityGroup",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  logs: "aws:cloudwatch/logGroup:LogGroup",
  policy: "aws:iam/rolePolicy:RolePolicy",
  role: "aws:iam/role:Role",
} as const;

const logical = (workload: string) =>
  (hooks as readonly string[]).includes(workload) ? `users-${workload}` : `edge-${workload}`;
const platform = ["Logs", "Traces"];
/** Action and resource of what a workload may do beyond its platform. */
const granted = (graph: Graph, workload: string) =>
  graph
    .policy(`${logical(workload)}-policy`)
    .Statement.filter(({ Sid = "" }) => !platform.includes(Sid))
    .flatMap(({ Action, Resource }) => Action.map((action) => [action, Resource[0]]));

describe("the policy of a workload is its uses, and no more", () => {
  const arn = (service: string, name: string) =>
    `arn:aws:${service}:eu-central-1:123456789012:${name}`;
  const secret = (name: string) => [
    "secretsmanager:GetSecretValue",
    arn("secretsmanager", `secret:shop-dev-stores-${name}-AbCdEf`),
  ];
  const expected: Record<(typeof served)[number] | (typeof hooks)[number], string[][]> = {
    users: [
      ["dynamodb:GetItem", arn("dynamodb", "table/shop-dev-stores-catalog")],
      ["dynamodb:PutItem", arn("dynamodb", "table/shop-dev-stores-catalog")],
      ["s3:GetObject", "arn:aws:s3:::shop-dev-stores-media-1a2b3c/*"],
      ["s3:PutObject", "arn:aws:s3:::shop-dev-stores-media-1a2b3c/*"],
    ],
    auth: [],
    webhooks: [
      ["sqs:SendMessage", arn("sqs", "shop-dev-stores-inbox")],
      secret("stripe-webhook"),
      secret("github-webhook"),
      secret("twilio-webhook"),
      secret("standard-webhook"),
    ],
    signUpRules: [],
    welcome: [["sqs:SendMessage", arn("sqs", "shop-dev-stores-mails")]],
    mailCode: [["sqs:SendMessage", arn("sqs", "shop-dev-stores-mails")]],
  };

  test.each(Object.entries(expected))("%s", async (workload, actions) => {
    expect(granted(await storefront(), workload)).toEqual(actions);
  });

  test("each function has a role of its own, which Lambda alone may assume", async () => {
    const graph = await storefront();
    const roles = graph.all(type.function).map((each) => each.inputs.role);
    expect(new Set(roles).size).toBe(served.length + hooks.length);
    for (const role of graph.all(type.role))
      expect(graph.policy(role.name, "assumeRolePolicy").Statement).toEqual([
        {
          Effect: "Allow",
          Action: ["sts:AssumeRole"],
          Resource: [],
          Principal: { Service: "lambda.amazonaws.com" },
        },
      ]);
  });

  test("no action is a wildcard, and a resource only where the reason is written down", async () => {
    const graph = await storefront();
    const statements = graph.all(type.policy).flatMap(({ name }) => graph.policy(name).Statement);
    expect(statements.flatMap((s) => s.Action).filter((action) => action.includes("*"))).toEqual(
      [],
    );
    expect(
      statements.filter((s) => s.Resource.join().includes("*") && !broadReason(s.Sid ?? "")),
    ).toEqual([]);
    expect(statements.length).toBeGreaterThan(10);
  });

  test("logs go to the function's own group, and nowhere else", async () => {
    const graph = await storefront();
    const logs = graph.policy("edge-users-policy").Statement.find(({ Sid }) => Sid === "Logs");
    expect(logs?.Resource).toEqual([arn("logs", "log-group:/aws/lambda/shop-dev-edge-users:*")]);
  });
});

describe("the function", () => {
  test("runs Node 24 on arm64, traced, with logs as JSON", async () => {
    expect((await smallEdge()).find(type.function).inputs).toMatchObject({
      runtime: "nodejs24.x",
      architectures: ["arm64"],
      handler: "index.handler",
      tracingConfig: { mode: "Active" },
      loggingConfig: { logFormat: "JSON", logGroup: "/aws/lambda/project-stack-edge-hello" },
    });
  });

  test("waits for its log group and its policy", async () => {
    const graph = await smallEdge();
    const waitsFor = graph.dependencies(graph.find(type.function)).map((r) => r.name);
    expect(waitsFor).toEqual(expect.arrayContaining(["edge-hello-logs", "edge-hello-policy"]));
  });

  test.each([
    [undefined, 14],
    [90, 90],
  ])("keeps logs for %s days (14 by default)", async (logRetentionDays, days) => {
    const graph = await smallEdge({ logRetentionDays });
    expect(graph.find(type.logs, "edge-hello-logs").inputs.retentionInDays).toBe(days);
  });

  test("knows where each of its resources is, and of no others", async () => {
    const graph = await storefront();
    const { variables } = graph.find(type.function, "edge-webhooks-function").inputs.environment;
    const secretArn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-dev-stores";
    expect(variables).toEqual({
      SPILLWAY_EDGE_EDGE: "https://edge-id.execute-api.eu-central-1.amazonaws.com",
      SPILLWAY_QUEUE_INBOX:
        "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-dev-stores-inbox",
      SPILLWAY_SECRET_ARN_STRIPE_WEBHOOK: `${secretArn}-stripe-webhook-AbCdEf`,
      SPILLWAY_SECRET_ARN_GITHUB_WEBHOOK: `${secretArn}-github-webhook-AbCdEf`,
      SPILLWAY_SECRET_ARN_TWILIO_WEBHOOK: `${secretArn}-twilio-webhook-AbCdEf`,
      SPILLWAY_SECRET_ARN_STANDARD_WEBHOOK: `${secretArn}-standard-webhook-AbCdEf`,
    });
  });

  test("sees no secret's value", async () => {
    const graph = await storefront();
    for (const { inputs } of graph.all(type.function))
      expect(JSON.stringify(inputs)).not.toMatch(/"s[1-4]"/);
  });

  test.each([
    ["three times its p99", { p50: 100, p99: 2_500 }, 8],
    ["its maximum where it names one", { p50: 100, p99: 2_500, max: 20_000 }, 20],
    ["at least 3 s", { p50: 1, p99: 10 }, 3],
    ["at most the 30 s of the HTTP API", { p50: 1_000, p99: 15_000 }, 30],
  ])("has a time limit: %s", async (_, ms, seconds) => {
    const graph = await smallEdge({}, { load: { ...load, ms } });
    expect(graph.find(type.function).inputs.timeout).toBe(seconds);
  });

  test.each([
    [64, 128],
    [512, 512],
  ])("load of %s MB gets %s MB", async (memoryMb, memorySize) => {
    const graph = await smallEdge({}, { load: { ...load, memoryMb } });
    expect(graph.find(type.function).inputs.memorySize).toBe(memorySize);
  });

  test("two stacks can share an account: names begin with project and stack", async () => {
    const names = async (stack: string) =>
      (await storefront({ stack })).all(type.function).map((r) => r.inputs.name as string);
    const [dev, prod] = [await names("dev"), await names("prod")];
    expect(dev.every((name) => name.startsWith("shop-dev-"))).toBe(true);
    expect(dev.filter((name) => prod.includes(name))).toEqual([]);
  });
});

describe("the network follows the uses", () => {
  const shop = defineSystem({
    name: "shop",
    stores: { ledger: sql({ migrations: "migrations" }), live: cache(), catalog: table() },
    services: { identity: identity() },
    workloads: {
      report: http({
        code: "functions/report",
        routes: ["GET /report"],
        auth: "none",
        uses: { ledger: "read-write", catalog: ["get"] },
        load,
      }),
      plain: http({
        code: "functions/plain",
        routes: ["GET /plain"],
        auth: "none",
        uses: { catalog: ["get"] },
        load,
      }),
      mine: http({
        code: "functions/mine",
        routes: ["GET /mine"],
        uses: { live: "read-write" },
        load,
      }),
    },
  });
  const catalog = { kind: "table", arn: "arn:catalog", location: "catalog" } as const;
  const stores = {
    catalog,
    ledger: {
      kind: "sql",
      arn: "arn:aws:rds-db:eu-central-1:1:dbuser:db-ABC/app",
      location: "postgres://app@ledger.internal:5432/ledger",
      securityGroupId: "sg-ledger",
      port: 5432,
    },
    live: {
      kind: "cache",
      arn: "arn:aws:elasticache:eu-central-1:1:replicationgroup:live",
      userArn: "arn:aws:elasticache:eu-central-1:1:user:live",
      location: "rediss://live@live.internal:6379?group=live",
      securityGroupId: "sg-live",
      port: 6379,
    },
  } as const;
  const network: NetworkPlace = {
    vpcId: "vpc-1",
    subnetIds: ["subnet-1"],
    endpoints: { table: { prefixListId: "pl-dynamodb" }, identity: { securityGroupId: "sg-idp" } },
  };
  const run = (
    workload: string,
    args: Partial<ConstructorParameters<typeof WorkloadFunction>[1]> = {},
  ) =>
    runUnderMocks(
      () =>
        new WorkloadFunction("f", {
          system: shop,
          workload,
          artefact: code,
          stores,
          network,
          tokens: userPool,
          ...args,
        }),
    );

  test("a function without a store in the network stays out of it", async () => {
    const graph = await run("plain");
    expect(graph.find(type.function).inputs.vpcConfig).toBeUndefined();
    expect(graph.all(type.group)).toEqual([]);
    const sids = graph.policy("f-policy").Statement.map(({ Sid }) => Sid);
    expect(sids).toEqual(["TableCatalog", ...platform]);
  });

  test("a function with one joins it, in a group of its own", async () => {
    const graph = await run("report");
    expect(graph.find(type.function).inputs.vpcConfig).toEqual({
      subnetIds: ["subnet-1"],
      securityGroupIds: ["f-group-id"],
    });
    expect(graph.find(type.group).inputs).toMatchObject({ vpcId: "vpc-1" });
    expect(graph.find(type.group).inputs.egress).toBeUndefined();
  });

  test("it may open connections to the store and to the doors that it needs, and no others", async () => {
    const graph = await run("report");
    const targets = graph.all(type.egress).map(({ inputs }) => ({
      to: inputs.referencedSecurityGroupId ?? inputs.prefixListId,
      ports: [inputs.fromPort, inputs.toPort],
    }));
    expect(targets).toEqual([
      { to: "sg-ledger", ports: [5432, 5432] },
      { to: "pl-dynamodb", ports: [443, 443] },
    ]);
  });

  test("the store's group lets it in, on the store's port", async () => {
    const graph = await run("report");
    expect(graph.find(type.ingress).inputs).toMatchObject({
      securityGroupId: "sg-ledger",
      referencedSecurityGroupId: "f-group-id",
      fromPort: 5432,
      toPort: 5432,
    });
  });

  test("checking tokens needs a door to the issuer", async () => {
    const graph = await run("mine");
    expect(graph.all(type.egress).map((r) => r.inputs.referencedSecurityGroupId)).toEqual([
      "sg-idp",
      "sg-live",
    ]);
  });

  test("Lambda may make interfaces for it, its own code may not", async () => {
    const graph = await run("report");
    const { Statement } = graph.policy("f-policy");
    const by = (sid: string) => Statement.find(({ Sid }) => Sid === sid);
    expect(by("NetworkInterfaces")?.Action).toContain("ec2:CreateNetworkInterface");
    expect(by("NotByCode")).toMatchObject({
      Effect: "Deny",
      Action: by("NetworkInterfaces")?.Action,
      Condition: { Null: { "lambda:SourceFunctionArn": "false" } },
    });
  });

  test.each([
    ["no network", { network: undefined }, "inside a network; give network"],
    ["no door", { network: { ...network, endpoints: {} } }, "give network.endpoints: [table"],
    [
      "a binding without a group",
      { stores: { catalog, ledger: { kind: "sql", arn: "arn:x", location: "x", port: 1 } } },
      'give stores["ledger"].securityGroupId',
    ],
    ["a binding of another kind", { stores: { ...stores, ledger: catalog } }, "bound to a table"],
    [
      "a binding without an ARN",
      { stores: { ...stores, catalog: { kind: "table", location: "x" } } },
      'give stores["catalog"].arn',
    ],
  ] as const)("%s is refused", async (_, args, message) => {
    await expect(run("report", args)).rejects.toThrow(message);
  });

  test("it may connect to the database and to the cache as their one user", async () => {
    const { Statement } = (await run("report")).policy("f-policy");
    expect(Statement).toContainEqual({
      Sid: "SqlLedger",
      Effect: "Allow",
      Action: ["rds-db:connect"],
      Resource: ["arn:aws:rds-db:eu-central-1:1:dbuser:db-ABC/app"],
    });
    const cached = (await run("mine")).policy("f-policy").Statement;
    expect(cached.slice(0, 2).map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [["elasticache:Connect"], ["arn:aws:elasticache:eu-central-1:1:replicationgroup:live"]],
      [["elasticache:Connect"], ["arn:aws:elasticache:eu-central-1:1:user:live"]],
    ]);
  });

  test("with a database it trusts the authority that signs its certificate", async () => {
    const trusts = async (workload: string) =>
      (await run(workload)).find(type.function).inputs.environment.variables.NODE_EXTRA_CA_CERTS;
    expect(await trusts("report")).toBe("/var/runtime/ca-cert.pem");
    expect(await trusts("mine")).toBeUndefined();
  });

  test("through NAT it may call what has no door, over HTTPS alone", async () => {
    const graph = await run("report", { network: { ...network, endpoints: {}, internet: true } });
    const out = graph.all(type.egress).filter(({ inputs }) => inputs.cidrIpv4);
    expect(out.map(({ inputs }) => [inputs.cidrIpv4, inputs.fromPort, inputs.toPort])).toEqual([
      ["0.0.0.0/0", 443, 443],
    ]);
  });

  test("what calls the internet is refused inside a network without a way out", async () => {
    const calling = defineSystem({
      name: "calling",
      stores: { ledger: sql({ migrations: "m" }) },
      services: { bank: api({ url: "https://bank.example" }) },
      workloads: {
        pays: http({
          code: "functions/pays",
          routes: ["POST /pays"],
          auth: "none",
          uses: { ledger: "read-write", bank: "call" },
          load,
        }),
      },
    });
    const args = {
      system: calling,
      workload: "pays",
      artefact: code,
      network,
      stores: { ledger: stores.ledger, bank: { kind: "api", location: "none" } },
    } as const;
    await expect(runUnderMocks(() => new WorkloadFunction("f", args))).rejects.toThrow(
      'runs inside the network for sql "ledger", which has no way out to api "bank"',
    );
  });

  test("the storefront edge needs no network at all", async () => {
    expect((await storefront()).all(type.group)).toEqual([]);
    expect(served.flatMap((name) => usesOf(system, name)).map((use) => use.kind)).not.toContain(
      "sql",
    );
  });

  test("a component alone can be given few arguments", async () => {
    const graph = await runUnderMocks(
      () => new WorkloadFunction("hello", { system: small(), workload: "hello", artefact: code }),
    );
    expect(graph.result.arn).toBeDefined();
    expect(graph.all(type.function)).toHaveLength(1);
  });
});
