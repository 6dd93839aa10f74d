import { describe, expect, test } from "vitest";
import { aws as answers } from "../../tools/simulated/answers/aws.ts";
import { openCloud } from "../../tools/simulated/cloud.ts";
import { functionsOf } from "../../tools/simulated/data.ts";
import { readFaults } from "../../tools/simulated/faults.ts";
import { toRegExp } from "../../tools/simulated/formats.ts";
import { SimulatedProvider } from "../../tools/simulated/provider.ts";
import { type Property, readTable } from "../../tools/simulated/table.ts";
import { reveal, secret, unknown, type Values } from "../../tools/simulated/wire.ts";

const table = readTable("aws");

function provider(faults = ""): SimulatedProvider {
  return new SimulatedProvider({
    name: "aws",
    table,
    answers,
    functions: functionsOf("aws"),
    place: { region: "eu-central-1", account: "123456789012" },
    cloud: openCloud(""),
    faults: readFaults(faults),
  });
}

const urn = (type: string, name = "thing"): string => `urn:pulumi:dev::test::${type}::${name}`;
const queue = urn("aws:sqs/queue:Queue");
const lambda = urn("aws:lambda/function:Function");
const role = "arn:aws:iam::123456789012:role/users";
const code = { "4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7", hash: "ab" };

/** The faults of the inputs, as "property reason". */
function faults(of: string, inputs: Values): string[] {
  const { failures } = provider().check(of, {}, inputs, "seed");
  return failures.map(({ property, reason }) => `${property} ${reason}`);
}

describe("check refuses, with where and what to do", () => {
  const long = "x".repeat(70);
  const cases: [string, string, Values, string][] = [
    [
      "an unknown property",
      queue,
      { delaySecond: 3 },
      "delaySecond is not a property of this type; did you mean delaySeconds?",
    ],
    [
      "an unknown property like no other",
      queue,
      { engine: 1 },
      "engine is not a property of this type; remove it",
    ],
    [
      "a nested unknown property",
      lambda,
      { role, code, vpcConfig: { subnetIds: [], securityGroupIds: [], zone: "a" } },
      "vpcConfig.zone is not a property of this type; remove it",
    ],
    [
      "an output as input",
      queue,
      { arn: "arn:aws:sqs:::x" },
      "arn is answered by the provider and cannot be set; leave it out",
    ],
    [
      "a wrong type",
      queue,
      { delaySeconds: "3" },
      'delaySeconds must be an integer, got the string "3"',
    ],
    [
      "a value where a list belongs",
      lambda,
      { role, code, layers: "x" },
      'layers must be a list, got the string "x"',
    ],
    [
      "a list where a value belongs",
      lambda,
      { role, code, handler: ["x"] },
      "handler must be a string, got a list",
    ],
    [
      "text where an archive belongs",
      lambda,
      { role, code: "x" },
      'code must be an asset, got the string "x"',
    ],
    [
      "part of a whole number",
      queue,
      { delaySeconds: 1.5 },
      "delaySeconds must be a whole number, got 1.5",
    ],
    ["a missing requirement", lambda, { code }, "role is required; give a value"],
    [
      "a missing nested requirement",
      lambda,
      { role, code, deadLetterConfig: {} },
      "deadLetterConfig.targetArn is required; give a value",
    ],
    [
      "two that exclude each other",
      queue,
      { kmsMasterKeyId: "a", sqsManagedSseEnabled: true },
      "kmsMasterKeyId conflicts with sqsManagedSseEnabled; give one of the two",
    ],
    [
      "none of one",
      lambda,
      { role },
      "code exactly one of code, imageUri, s3Bucket must be given, got none",
    ],
    [
      "two of one",
      lambda,
      { role, code, imageUri: "x" },
      "code exactly one of code, imageUri, s3Bucket must be given, got code and imageUri",
    ],
    ["one without its other", lambda, { role, s3Bucket: "b" }, "s3Bucket needs s3Key as well"],
    [
      "none of several",
      urn("aws:cognito/riskConfiguration:RiskConfiguration"),
      { userPoolId: "eu-central-1_abc" },
      "accountTakeoverRiskConfiguration at least one of accountTakeoverRiskConfiguration, compromisedCredentialsRiskConfiguration, riskExceptionConfiguration must be given, got none",
    ],
    [
      "no choice",
      urn("aws:apigatewayv2/api:Api"),
      { protocolType: "FTP" },
      'protocolType must be one of WEBSOCKET, HTTP, got "FTP"',
    ],
    [
      "too small a number",
      lambda,
      { role, code, memorySize: 64 },
      "memorySize must be 128 to 32768, got 64",
    ],
    ["too large a number", queue, { delaySeconds: 901 }, "delaySeconds must be 0 to 900, got 901"],
    [
      "too long a name",
      urn("aws:iam/role:Role"),
      { name: long, assumeRolePolicy: "{}" },
      `name must be 1 to 64 characters long, got 70: "${long}"`,
    ],
    [
      "too many items",
      lambda,
      { role, code, architectures: ["arm64", "x86_64"] },
      "architectures must have at most 1 items, got 2",
    ],
    ["what is no ARN", lambda, { role: "users", code }, 'role must be an ARN, got "users"'],
    [
      "what is no JSON",
      urn("aws:iam/role:Role"),
      { assumeRolePolicy: "{" },
      "assumeRolePolicy must be JSON: ",
    ],
    [
      "what is no CIDR",
      urn("aws:ec2/vpc:Vpc"),
      { cidrBlock: "10.0.0.0" },
      'cidrBlock must be a CIDR block such as 10.0.0.0/16, got "10.0.0.0"',
    ],
    [
      "what does not match",
      urn("aws:cognito/userPoolClient:UserPoolClient"),
      { userPoolId: "p", name: "!!" },
      'name must match [\\w\\s+=,.@-]+, got "!!"',
    ],
  ];
  test.each(cases)("%s", (_, of, inputs, message) => {
    expect(faults(of, inputs).join("\n")).toContain(message);
  });

  test("every fault at once", () => {
    expect(faults(lambda, { memorySize: 64, colour: "red" })).toHaveLength(4);
  });

  test("a name that would be made too long", () => {
    const of = urn("aws:lb/loadBalancer:LoadBalancer", "a-load-balancer-with-a-long-name");
    expect(faults(of, {}).join()).toContain(
      "7 random characters is longer than 32; give the resource a shorter name",
    );
  });

  test.each<[string, string, Values, string]>([
    ["a function", lambda, { role, code, name: "f".repeat(65) }, "must be 1 to 64 characters"],
    [
      "a load balancer, as its network's",
      urn("aws:lb/loadBalancer:LoadBalancer"),
      { name: "internal-shop", subnets: ["subnet-1"] },
      "must match",
    ],
    [
      "a target group, ending in a hyphen",
      urn("aws:lb/targetGroup:TargetGroup"),
      { name: "shop-" },
      "must match",
    ],
    ["a bucket", urn("aws:s3/bucket:Bucket"), { bucket: "shop..media" }, "must match"],
    [
      "an alias, as a version",
      urn("aws:lambda/alias:Alias"),
      { functionName: "f", functionVersion: "1", name: "12" },
      "must match",
    ],
  ])("a name that the service does not take: %s", (_, of, inputs, message) => {
    expect(faults(of, inputs)).toEqual([expect.stringContaining(message)]);
  });

  test("a made name with signs that the service does not take", () => {
    const of = urn("aws:lambda/permission:Permission", "edge-GET /users/{id}");
    const inputs = {
      action: "lambda:InvokeFunction",
      function: "f",
      principal: "apigateway.amazonaws.com",
    };
    expect(faults(of, inputs).join()).toMatch(
      /^statementId must match .* got "edge-GET \/users\/\{id\}-\w{7}"$/,
    );
  });

  test("a type that is not in the table, with the way to add it", () => {
    expect(() => faults(urn("aws:chime/voiceConnector:VoiceConnector"), {})).toThrow(
      /"aws:chime\/voiceConnector:VoiceConnector" is not in its table.*node tools\/simulated\/cut-schema\.ts/,
    );
  });

  test("a function that is not in the table", () => {
    expect(() => provider().invoke("aws:ec2/getAmi:getAmi", {})).toThrow(
      /function "aws:ec2\/getAmi:getAmi" is not/,
    );
  });

  test("a wrong argument of a function", () => {
    const { failures } = provider().invoke("aws:index/getRegion:getRegion", { regoin: "x" });
    expect(failures[0]?.reason).toContain("did you mean region?");
  });

  test("provider settings that do not exist, and a region that is none", () => {
    const failures = provider().checkConfig({ region: "Frankfurt", defaultTag: "{}" });
    expect(failures.map((f) => f.property).sort()).toEqual(["defaultTag", "region"]);
  });
});

describe("check lets pass", () => {
  test("values that are not known yet, and secret ones", () => {
    expect(faults(lambda, { role: unknown, code, memorySize: secret(512) })).toEqual([]);
  });

  test("an object for a policy, where the package takes one", () => {
    expect(
      faults(urn("aws:iam/role:Role"), { assumeRolePolicy: { Version: "2012-10-17" } }),
    ).toEqual([]);
  });

  test("what is correct, filling in a name that stays", () => {
    const first = provider().check(queue, {}, {}, "seed one").inputs;
    expect(first.name).toMatch(/^thing-[0-9a-f]{7}$/);
    expect(provider().check(queue, first, {}, "seed two").inputs.name).toBe(first.name);
    expect(provider().check(queue, {}, {}, "seed two").inputs.name).not.toBe(first.name);
  });

  test("S3's made names are in lower case, FIFO queues' end in .fifo", () => {
    const bucket = urn("aws:s3/bucket:Bucket", "Media");
    expect(provider().check(bucket, {}, {}, "s").inputs.bucket).toMatch(/^media-/);
    expect(provider().check(queue, {}, { fifoQueue: true }, "s").inputs.name).toMatch(/\.fifo$/);
  });
});

describe("a name of which only the beginning is given", () => {
  const bucket = urn("aws:s3/bucket:Bucket");
  const checked = (of: string, inputs: Values): Values =>
    provider().check(of, {}, inputs, "seed").inputs;
  const made = async (of: string, inputs: Values) =>
    provider().create(of, checked(of, inputs), false);

  test("is left open in the inputs, and unknown in a preview", async () => {
    const inputs = checked(bucket, { bucketPrefix: "media-" });
    expect(inputs).not.toHaveProperty("bucket");
    expect((await provider().create(bucket, inputs, true)).outputs.bucket).toBe(unknown);
  });

  test.each([
    ["S3", bucket, { bucketPrefix: "media-" }, "bucket"],
    ["IAM", urn("aws:iam/role:Role"), { namePrefix: "media-", assumeRolePolicy: "{}" }, "name"],
    [
      "Lambda",
      urn("aws:lambda/permission:Permission"),
      {
        statementIdPrefix: "media-",
        action: "lambda:InvokeFunction",
        function: "f",
        principal: "s3.amazonaws.com",
      },
      "statementId",
    ],
  ])("gets 26 characters on create, and with them its id: %s", async (_, of, inputs, field) => {
    const { id, outputs } = await made(of, inputs);
    expect(id).toMatch(/^media-\d{18}[0-9a-f]{8}$/);
    expect(outputs[field]).toBe(id);
  });

  test("stands in ARNs, and FIFO's ending behind it", async () => {
    const secretUrn = urn("aws:secretsmanager/secret:Secret");
    expect((await made(secretUrn, { namePrefix: "key-" })).outputs.arn).toMatch(
      /:secret:key-\w{26}-\w{6}$/,
    );
    const fifo = await made(queue, { namePrefix: "orders-", fifoQueue: true });
    expect(fifo.outputs.arn).toMatch(/:orders-\w{26}\.fifo$/);
  });

  test("never comes twice, and stays with its resource", async () => {
    const aws = provider();
    const inputs = checked(bucket, { bucketPrefix: "media-" });
    const [one, two] = [
      await aws.create(bucket, inputs, false),
      await aws.create(bucket, inputs, false),
    ];
    expect(one.id).not.toBe(two.id);
    const news = { ...inputs, forceDestroy: true };
    const changed = await aws.update(bucket, one.id, one.outputs, news, false);
    expect(changed.bucket).toBe(one.id);
    expect(aws.diff(bucket, one.outputs, inputs, inputs).changes).toEqual([]);
  });

  test.each<[string, string, Values, string]>([
    [
      "too long",
      queue,
      { namePrefix: "x".repeat(55) },
      "namePrefix is completed by 26 characters: must be at most 80 characters long, got 81",
    ],
    [
      "with signs that the service does not take",
      bucket,
      { bucketPrefix: "Media-" },
      "bucketPrefix is completed by 26 characters: must match ^",
    ],
    [
      "beside the whole",
      bucket,
      { bucketPrefix: "media-", bucket: "media" },
      "bucketPrefix conflicts with bucket; give one of the two",
    ],
  ])("is refused %s", (_, of, inputs, message) => {
    expect(faults(of, inputs).join("\n")).toContain(message);
  });
});

describe("diff", () => {
  const diff = (of: string, olds: Values, news: Values, state: Values = olds) =>
    provider()
      .diff(of, state, olds, news)
      .changes.map(({ path, kind, replaces }) => `${kind} ${path}${replaces ? " replaces" : ""}`);

  test.each<[string, string, Values, Values, string[]]>([
    ["nothing", queue, { delaySeconds: 1 }, { delaySeconds: 1 }, []],
    ["a changed value", queue, { delaySeconds: 1 }, { delaySeconds: 2 }, ["update delaySeconds"]],
    ["an unchangeable value", queue, { name: "a" }, { name: "b" }, ["update name replaces"]],
    [
      "a value that may turn out another",
      queue,
      { name: "a" },
      { name: unknown },
      ["update name replaces"],
    ],
    ["a default, now written out", queue, {}, { delaySeconds: 0 }, []],
    ["a default, no longer written out", queue, { delaySeconds: 0 }, {}, []],
    [
      "one key of a map",
      queue,
      { tags: { a: "1", b: "1" } },
      { tags: { a: "2", c: "1" } },
      ["update tags.a", "delete tags.b", "add tags.c"],
    ],
    [
      "the order of a set",
      urn("aws:apigatewayv2/route:Route"),
      { authorizationScopes: ["a", "b"] },
      { authorizationScopes: ["b", "a"] },
      [],
    ],
    [
      "how JSON is written",
      queue,
      { policy: '{"a":1,"b":2}' },
      { policy: '{ "b": 2, "a": 1 }' },
      [],
    ],
    ["what JSON says", queue, { policy: '{"a":1}' }, { policy: '{"a":2}' }, ["update policy"]],
    ["code by its content", lambda, { code }, { code: { ...code, hash: "cd" } }, ["update code"]],
    [
      "a nested value",
      lambda,
      { environment: { variables: { A: "1" } } },
      { environment: { variables: { A: "2" } } },
      ["update environment.variables.A"],
    ],
  ])("%s", (_, of, olds, news, expected) => {
    expect(diff(of, olds, news)).toEqual(expected);
  });

  test("what the cloud had filled in and is now written out is no change", () => {
    expect(diff(lambda, {}, { architectures: ["x86_64"] }, { architectures: ["x86_64"] })).toEqual(
      [],
    );
  });

  test("a given name must be free before its successor takes it", () => {
    const change = (olds: Values, news: Values) =>
      provider().diff(queue, olds, olds, news).deleteBeforeReplace;
    expect(change({ name: "a", fifoQueue: false }, { name: "a", fifoQueue: true })).toBe(true);
    const made = { name: "a", __defaults: ["name"] };
    expect(change(made, { ...made, fifoQueue: true })).toBe(false);
  });
});

describe("the cloud", () => {
  test("in a preview: defaults are known, answers are not, nothing is made", async () => {
    const aws = provider();
    const planned = await aws.create(queue, { name: "a" }, true);
    expect(planned.outputs).toMatchObject({
      name: "a",
      delaySeconds: 0,
      arn: unknown,
      region: "eu-central-1",
    });
    expect(await aws.read(queue, "a", { name: "a" }, {})).toBeUndefined();
  });

  test("makes, reads, updates and deletes", async () => {
    const aws = provider();
    const { id, outputs } = await aws.create(queue, { name: "a" }, false);
    expect(id).toBe("https://sqs.eu-central-1.amazonaws.com/123456789012/a");
    expect(outputs).toMatchObject({ arn: "arn:aws:sqs:eu-central-1:123456789012:a", url: id });
    const changed = await aws.update(queue, id, outputs, { name: "a", delaySeconds: 5 }, false);
    expect(changed).toMatchObject({ delaySeconds: 5, arn: outputs.arn });
    expect(
      (await aws.read(queue, id, changed, { name: "a", delaySeconds: 0 }))?.inputs.delaySeconds,
    ).toBe(5);
    await aws.delete(queue, id, changed);
    await aws.delete(queue, id, changed);
    expect(await aws.read(queue, id, changed, {})).toBeUndefined();
    await expect(aws.update(queue, id, changed, { name: "a" }, false)).rejects.toThrow(
      /is gone.*run refresh/,
    );
  });

  test("imports by id alone", async () => {
    const aws = provider();
    const { id } = await aws.create(queue, { name: "a", delaySeconds: 7 }, false);
    expect((await aws.read(queue, id, {}, {}))?.inputs).toMatchObject({ delaySeconds: 7 });
  });

  test("refuses a name that is taken", async () => {
    const aws = provider();
    await aws.create(queue, { name: "a" }, false);
    await expect(aws.create(queue, { name: "a" }, false)).rejects.toThrow(
      /already exists.*choose another name/,
    );
  });

  test("keeps secrets secret: given ones, and its own sensitive answers", async () => {
    const aws = provider();
    const inputs = { role, code, name: "f", environment: { variables: { KEY: secret("s3cr3t") } } };
    const { id, outputs } = await aws.create(lambda, inputs, false);
    expect(outputs.environment).toEqual(inputs.environment);
    expect((await aws.read(lambda, id, outputs, inputs))?.outputs.environment).toEqual(
      inputs.environment,
    );
    const other = { ...outputs, environment: { variables: { KEY: secret("other") } } };
    expect(JSON.stringify(await aws.read(lambda, id, other, inputs))).toContain(
      "changed elsewhere",
    );
    const pool = urn("aws:cognito/userPoolClient:UserPoolClient");
    const client = await aws.create(
      pool,
      { name: "web", userPoolId: "p", generateSecret: true },
      false,
    );
    expect(client.outputs.clientSecret).not.toBe(reveal(client.outputs.clientSecret));
  });

  test("merges the provider's default tags", async () => {
    const aws = provider();
    aws.configure({ region: "eu-west-1", defaultTags: '{"tags":{"system":"shop","owner":"us"}}' });
    const { inputs } = aws.check(queue, {}, { tags: { owner: "me" } }, "s");
    const { outputs } = await aws.create(queue, inputs, true);
    const tagsAll = { system: "shop", owner: "me" };
    expect(outputs).toMatchObject({ tags: { owner: "me" }, tagsAll, region: "eu-west-1" });
    expect(aws.check(queue, {}, { tags: { owner: unknown } }, "s").inputs.tagsAll).toBe(unknown);
    const hidden = aws.check(queue, {}, { tags: secret({ owner: "me" }) }, "s").inputs.tagsAll;
    expect(hidden).toEqual(secret(tagsAll));
  });

  test("changes with an update what the cloud would", async () => {
    const aws = provider();
    const inputs = { role, code, name: "f" };
    const { id, outputs } = await aws.create(lambda, inputs, false);
    const news = { ...inputs, code: { ...code, hash: "cd" } };
    expect(await aws.update(lambda, id, outputs, news, true)).toMatchObject({
      codeSha256: unknown,
      arn: outputs.arn,
    });
  });
});

describe("faults on demand", () => {
  test("fail the named operation only", async () => {
    const aws = provider("fail create aws:sqs/queue:Queue");
    await expect(aws.create(queue, { name: "a" }, false)).rejects.toThrow(
      /told to fail by SPILLWAY_SIMULATED_FAULT/,
    );
    await expect(aws.create(urn("aws:kms/key:Key"), {}, false)).resolves.toBeDefined();
  });

  test("hang until the engine cancels", async () => {
    const aws = provider("hang create thing");
    const hanging = aws.create(queue, { name: "a" }, false);
    setTimeout(() => aws.cancel(), 20);
    await expect(hanging).rejects.toThrow(/was cancelled/);
  });

  test("keep an operation waiting, the first that fits", async () => {
    const aws = provider("1ms create fast; 200ms create *");
    const done: string[] = [];
    const create = async (name: string) => {
      await aws.create(urn("aws:sqs/queue:Queue", name), { name }, false);
      done.push(name);
    };
    await Promise.all([create("slow"), create("fast")]);
    expect(done).toEqual(["fast", "slow"]);
  });

  test("a misspelt fault is an error", () => {
    expect(() => readFaults("explode create x")).toThrow(/write <fail\|hang\|500ms> <create\|read/);
  });
});

describe("the table", () => {
  test("has only patterns that can be read", () => {
    const visit = (property: Property): void => {
      if (property.pattern) toRegExp(property.pattern);
      if (property.element) visit(property.element);
      for (const inner of Object.values(property.properties ?? {})) visit(inner);
    };
    for (const { properties } of Object.values(table.resources))
      Object.values(properties).forEach(visit);
    expect(Object.keys(table.resources).length).toBeGreaterThan(60);
  });

  test("added limits are for properties that exist", async () => {
    const { default: more } = await import("../../tools/simulated/schema/aws.more.json", {
      with: { type: "json" },
    });
    const { source, ...types } = more;
    expect(source).toContain("API models of botocore");
    const strangers = Object.entries(types).flatMap(([type, limits]) =>
      Object.keys(limits).filter((name) => !table.resources[type]?.properties[name]),
    );
    expect(strangers).toEqual([]);
  });

  test("answers are for types and properties that exist, and no type lacks an id", () => {
    const strangers = Object.entries(answers).flatMap(([type, { outputs = {} }]) =>
      Object.keys(outputs)
        .filter((name) => !table.resources[type]?.properties[name]?.computed)
        .map((name) => `${type} ${name}`),
    );
    expect(strangers).toEqual([]);
    expect(Object.keys(table.resources).filter((type) => !answers[type]?.id)).toEqual([]);
  });

  test("every type of the table can be created with no input at all", async () => {
    const aws = provider();
    for (const type of Object.keys(table.resources)) {
      const { outputs } = await aws.create(urn(type), {}, false);
      const properties = table.resources[type]?.properties ?? {};
      const missing = Object.keys(properties).filter(
        (n) => properties[n]?.computed && !(n in outputs),
      );
      expect(missing, type).toEqual([]);
    }
  });
});
