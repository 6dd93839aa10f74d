import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { DataStores, type DataStoresArgs } from "../../../components/aws/DataStores.ts";
import {
  api,
  chat,
  defineSystem,
  http,
  objectStore,
  onMessage,
  queue,
  type System,
  scheduler,
  table,
  type Uses,
} from "../../../spec/index.ts";
import { runUnderMocks } from "../harness.ts";
import { hooks, load, secrets, served, system } from "./fixtures.ts";

const type = {
  bucket: "aws:s3/bucket:Bucket",
  queue: "aws:sqs/queue:Queue",
  secret: "aws:secretsmanager/secret:Secret",
  secretVersion: "aws:secretsmanager/secretVersion:SecretVersion",
  table: "aws:dynamodb/table:Table",
} as const;

interface Known {
  promise(): Promise<string>;
}

const shop = defineSystem({
  name: "shop",
  stores: { media: objectStore(), catalog: table({ changes: true }), notes: table() },
  channels: { inbox: queue({ maxReceives: 3, visibilitySeconds: 60, maxBytes: 65_536 }) },
  secrets: ["api-key"],
  workloads: {
    all: http({
      code: "functions/all",
      routes: ["GET /all"],
      auth: "none",
      uses: { media: "read", catalog: "read", notes: "read", inbox: "send", secrets: ["api-key"] },
      load,
    }),
  },
});
const stores = (args: Partial<DataStoresArgs> = {}) =>
  runUnderMocks(
    () => new DataStores("stores", { system: shop, secrets: { "api-key": "hush" }, ...args }),
    { project: "shop", stack: "dev" },
  );

describe("what is made", () => {
  test("is what the deployed workloads use, and nothing that lies idle", async () => {
    const graph = await runUnderMocks(
      () => new DataStores("stores", { system, workloads: [...served, ...hooks], secrets }),
    );
    const names = (token: string) => graph.all(token).map((r) => r.name);
    expect(names(type.table)).toEqual(["stores-catalog"]);
    expect(names(type.bucket)).toEqual(["stores-media"]);
    expect(names(type.queue)).toEqual([
      "stores-inbox",
      "stores-inbox-dead",
      "stores-mails",
      "stores-mails-dead",
    ]);
    expect(names(type.secret)).toEqual(
      Object.keys(secrets)
        .map((s) => `stores-${s}`)
        .sort(),
    );
  });

  test("includes what starts a workload", async () => {
    const listening = defineSystem({
      name: "listening",
      channels: { inbox: queue(), other: queue() },
      workloads: { read: onMessage({ code: "functions/read", queue: "inbox", load }) },
    });
    const graph = await runUnderMocks(() => new DataStores("s", { system: listening }));
    expect(graph.all(type.queue).map((r) => r.name)).toEqual(["s-inbox", "s-inbox-dead"]);
  });

  test("includes the queue that a scheduler sends to, and the secrets behind services", async () => {
    const later = defineSystem({
      name: "later",
      channels: { inbox: queue() },
      services: {
        tomorrow: scheduler({ queue: "inbox" }),
        team: chat({ webhook: "team-url" }),
        bank: api({ url: "https://bank.example", secret: "bank-key" }),
      },
      secrets: ["team-url", "bank-key", "idle"],
      workloads: {
        plan: http({
          code: "functions/plan",
          routes: ["POST /plans"],
          auth: "none",
          uses: { tomorrow: "schedule", team: "post", bank: "call" },
          load,
        }),
      },
    });
    const values = { "team-url": "one", "bank-key": "two" };
    const graph = await runUnderMocks(
      () => new DataStores("s", { system: later, secrets: values }),
    );
    expect(graph.all(type.queue).map((r) => r.name)).toEqual(["s-inbox", "s-inbox-dead"]);
    expect(graph.all(type.secret).map((r) => r.name)).toEqual(["s-bank-key", "s-team-url"]);
  });

  test("is bound by name, for the components of the workloads", async () => {
    const { result } = await stores();
    expect(Object.entries(result.bindings).map(([key, { kind }]) => [key, kind])).toEqual([
      ["catalog", "table"],
      ["notes", "table"],
      ["media", "objectStore"],
      ["inbox", "queue"],
      ["secrets.api-key", "secret"],
    ]);
    const location = (key: string) => pulumi.output(result.bindings[key]?.location) as unknown;
    const value = (key: string) => (location(key) as Known).promise();
    expect(await value("catalog")).toBe("shop-dev-stores-catalog");
    expect(await value("inbox")).toContain("/shop-dev-stores-inbox");
    const { catalog, notes, inbox } = result.bindings;
    const known = (given: unknown) => (pulumi.output(given) as unknown as Known).promise();
    expect(await known(inbox?.deadLetters?.url)).toContain("/shop-dev-stores-inbox-dead");
    expect(await known(catalog?.feedArn)).toContain("table/shop-dev-stores-catalog/stream/");
    expect(notes).not.toHaveProperty("feedArn");
  });
});

describe("tables", () => {
  test("have the two keys of the port, cost nothing at rest, and are encrypted", async () => {
    expect((await stores()).find(type.table, "stores-notes").inputs).toMatchObject({
      hashKey: "pk",
      rangeKey: "sk",
      attributes: [
        { name: "pk", type: "S" },
        { name: "sk", type: "S" },
      ],
      billingMode: "PAY_PER_REQUEST",
      serverSideEncryption: { enabled: true },
    });
  });

  test("keep a change feed where one is declared, and only there", async () => {
    const graph = await stores();
    expect(graph.find(type.table, "stores-catalog").inputs).toMatchObject({
      streamEnabled: true,
      streamViewType: "NEW_AND_OLD_IMAGES",
    });
    expect(graph.find(type.table, "stores-notes").inputs.streamEnabled).toBeUndefined();
  });

  test("are backed up without a gap by default, and not where that is turned off", async () => {
    const enabled = async (args: Partial<DataStoresArgs>) =>
      (await stores(args)).find(type.table, "stores-notes").inputs.pointInTimeRecovery.enabled;
    expect(await enabled({})).toBe(true);
    expect(await enabled({ backups: false })).toBe(false);
  });
});

describe("buckets", () => {
  const of = async (suffix: string) =>
    (await stores()).resources.find((r) => r.name === `stores-media-${suffix}`)?.inputs;

  test("are closed to the public in all four ways, and owned by the account alone", async () => {
    expect(await of("private")).toMatchObject({
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(await of("owner")).toMatchObject({ rule: { objectOwnership: "BucketOwnerEnforced" } });
  });

  test("are encrypted and versioned", async () => {
    const [rule] = (await of("encryption"))?.rules ?? [];
    expect(rule.applyServerSideEncryptionByDefault.sseAlgorithm).toBe("AES256");
    expect(await of("versions")).toMatchObject({ versioningConfiguration: { status: "Enabled" } });
  });

  test("are tidied: old versions after 30 days, unfinished uploads after 7", async () => {
    expect((await of("lifecycle"))?.rules).toMatchObject([
      {
        status: "Enabled",
        noncurrentVersionExpiration: { noncurrentDays: 30 },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
        expiration: { expiredObjectDeleteMarker: true },
      },
    ]);
  });

  test("answer pages of the edge's origins, and of no others, where URLs are signed", async () => {
    const origins = ["https://shop.example"];
    const made = (uses: Uses) =>
      runUnderMocks(() => {
        const page = http({ code: "functions/p", routes: ["GET /p"], auth: "none", uses, load });
        const signing = defineSystem({
          name: "shop",
          stores: { media: objectStore() },
          workloads: { page },
        } as never) as unknown as System;
        return new DataStores("stores", { system: signing, origins });
      });
    const cors = (graph: Awaited<ReturnType<typeof made>>) =>
      graph
        .all("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")
        .map(({ inputs }) => inputs.corsRules[0]);
    expect(cors(await made({ media: ["signPut"] }))).toMatchObject([
      { allowedOrigins: origins, allowedMethods: ["GET", "HEAD", "POST"] },
    ]);
    expect(cors(await made({ media: ["get"] }))).toEqual([]);
  });
});

describe("queues", () => {
  test("are as declared, encrypted, with dead letters after so many receives", async () => {
    const { inputs } = (await stores()).find(type.queue, "stores-inbox");
    expect(inputs).toMatchObject({
      visibilityTimeoutSeconds: 60,
      maxMessageSize: 65_536,
      sqsManagedSseEnabled: true,
    });
    expect(JSON.parse(inputs.redrivePolicy)).toEqual({
      deadLetterTargetArn: "arn:aws:sqs:eu-central-1:123456789012:shop-dev-stores-inbox-dead",
      maxReceiveCount: 3,
    });
  });

  test("hide a message for six times as long as its consumer may take", async () => {
    const slow = defineSystem({
      name: "slow",
      channels: { inbox: queue({ visibilitySeconds: 60 }) },
      workloads: {
        read: onMessage({
          code: "functions/read",
          queue: "inbox",
          load: { ...load, ms: { p50: 1000, p99: 2000, max: 50_000 } },
        }),
      },
    });
    const graph = await runUnderMocks(() => new DataStores("s", { system: slow }));
    expect(graph.find(type.queue, "s-inbox").inputs.visibilityTimeoutSeconds).toBe(300);
  });

  test("keep messages for 14 days where no deployed workload takes them", async () => {
    const read = onMessage({ code: "functions/read", queue: "inbox", load });
    const send = http({
      code: "functions/send",
      routes: ["POST /send"],
      auth: "none",
      uses: { inbox: "send" },
      load,
    });
    const system = defineSystem({
      name: "slow",
      channels: { inbox: queue() },
      workloads: { read, send },
    });
    const kept = async (...workloads: string[]) =>
      (await runUnderMocks(() => new DataStores("s", { system, workloads }))).find(
        type.queue,
        "s-inbox",
      ).inputs.messageRetentionSeconds;
    expect(await kept("send")).toBe(14 * 86_400);
    expect(await kept("send", "read")).toBeUndefined();
  });

  test("dead letters are kept for 14 days, and taken from their own queue alone", async () => {
    const graph = await stores();
    const dead = graph.find(type.queue, "stores-inbox-dead").inputs;
    expect(dead.messageRetentionSeconds).toBe(14 * 86_400);
    // The provider's own default is a quarter of it: a large message would have no place.
    expect(dead.maxMessageSize).toBe(1_048_576);
    const redrive = graph.find("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy").inputs;
    expect(JSON.parse(redrive.redriveAllowPolicy)).toEqual({
      redrivePermission: "byQueue",
      sourceQueueArns: ["arn:aws:sqs:eu-central-1:123456789012:shop-dev-stores-inbox"],
    });
  });
});

test.each(["stores-media-tls", "stores-inbox-tls", "stores-inbox-dead-tls"])(
  "%s refuses everybody without TLS",
  async (name) => {
    const [statement] = (await stores()).policy(name).Statement;
    expect(statement).toMatchObject({
      Effect: "Deny",
      Principal: "*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    });
  },
);

describe("secrets", () => {
  test("their values are secret all the way", async () => {
    const { inputs, secrets: where } = (await stores()).find(type.secretVersion);
    expect(inputs.secretString).toBe("hush");
    expect(where).toEqual(["secretString"]);
  });

  test("one without a value is refused, by name", async () => {
    await expect(stores({ secrets: {} })).rejects.toThrow(
      'DataStores "stores": secret "api-key" has no value; give secrets["api-key"]',
    );
  });
});

describe("protection", () => {
  const holding = [type.table, type.bucket];

  test("is on by default for everything that holds data", async () => {
    const graph = await stores();
    const kept = holding.flatMap((token) => graph.all(token));
    expect(kept.map((r) => r.protect)).toEqual([true, true, true]);
    for (const each of graph.all(type.table))
      expect(each.inputs.deletionProtectionEnabled).toBe(true);
    expect(graph.find(type.bucket).inputs.forceDestroy).toBe(false);
    expect(graph.find(type.secret).inputs.recoveryWindowInDays).toBe(30);
  });

  test("turned off, a stack can be destroyed whole", async () => {
    const graph = await stores({ protect: false });
    expect(graph.resources.filter((r) => r.protect)).toEqual([]);
    for (const each of graph.all(type.table))
      expect(each.inputs.deletionProtectionEnabled).toBe(false);
    expect(graph.find(type.bucket).inputs.forceDestroy).toBe(true);
    expect(graph.find(type.secret).inputs.recoveryWindowInDays).toBe(0);
  });
});

test("an unknown workload is refused", async () => {
  await expect(stores({ workloads: ["ghost"] })).rejects.toThrow(
    'DataStores "stores": workload "ghost" is not declared; use one of all',
  );
});

test("each kind of child can be transformed", async () => {
  const graph = await stores({
    transform: { table: (args, name) => ({ ...args, tags: { name } }) },
  });
  expect(graph.find(type.table, "stores-notes").inputs.tags).toEqual({ name: "stores-notes" });
});
