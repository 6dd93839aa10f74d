import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clientSettings } from "../../../runtime/adapters/aws/client.ts";
import { edge } from "../../../runtime/adapters/aws/edge.ts";
import { identity } from "../../../runtime/adapters/aws/identity.ts";
import { objectStore } from "../../../runtime/adapters/aws/object-store.ts";
import { queueConsumer } from "../../../runtime/adapters/aws/queue-consumer.ts";
import { table } from "../../../runtime/adapters/aws/table.ts";
import { refusal } from "../suites/refusal.ts";
import { emulator } from "./emulator.ts";
import { createTable } from "./resources.ts";
import { type Answer, failure, scripted, success } from "./scripted.ts";

const closing: (() => unknown)[] = [];
let timeoutMs: number | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  timeoutMs = undefined;
  for (const close of closing.splice(0)) await close();
});

async function serviceOf(...answers: readonly [Answer, ...Answer[]]) {
  const service = await scripted(...answers);
  closing.push(service.close);
  const config = { ...emulator, ...clientSettings(timeoutMs), endpoint: service.endpoint };
  return { service, config };
}

const key = { pk: "p", sk: "s" };

describe("aws table, when the service fails", () => {
  async function tableOf(...answers: readonly [Answer, ...Answer[]]) {
    const { service, config } = await serviceOf(...answers);
    const port = table({ name: "catalog", location: "t", client: new DynamoDBClient(config) });
    return { port, asked: service.asked };
  }

  it.each([
    ["ProvisionedThroughputExceededException", 400, "throttled", 3],
    ["ThrottlingException", 400, "throttled", 3],
    ["RequestLimitExceeded", 400, "throttled", 3],
    ["InternalServerError", 500, "unavailable", 3],
    ["ServiceUnavailable", 503, "unavailable", 3],
    ["AccessDeniedException", 400, "denied", 1],
    ["UnrecognizedClientException", 400, "denied", 1],
    ["ValidationException", 400, "invalid", 1],
    ["ResourceNotFoundException", 400, "unavailable", 1],
    ["SomethingNew", 418, "unavailable", 1],
  ])("answers %s (%s) with the code %s after %s tries", async (type, status, code, tries) => {
    const { port, asked } = await tableOf(failure(type, status));
    expect(await refusal(port.get(key))).toBe(code);
    expect(asked).toHaveLength(tries);
  });

  it("says what failed and what to do, and keeps the service's words to the cause", async () => {
    const { port } = await tableOf(failure("AccessDeniedException"));
    await expect(port.get(key)).rejects.toMatchObject({
      name: "PortError",
      message:
        'table "catalog": the service answered AccessDeniedException; check the policy of the workload\'s role',
      cause: { message: "in the service's own words" },
    });
  });

  it("answers after a failure that has passed", async () => {
    const item = { Item: { pk: { S: "p" }, sk: { S: "s" }, document: { M: {} } } };
    const { port } = await tableOf(failure("InternalServerError", 500), success(item));
    expect(await port.get(key)).toEqual({});
  });

  it("gives up on a service that does not answer", async () => {
    timeoutMs = 300;
    const { port, asked } = await tableOf(undefined);
    const began = Date.now();
    expect(await refusal(port.get(key))).toBe("unavailable");
    expect(asked).toHaveLength(3);
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  it("gives up on a service that is not there", async () => {
    const { service, config } = await serviceOf(undefined);
    await service.close();
    const client = new DynamoDBClient(config);
    const port = table({ name: "catalog", location: "t", client });
    expect(await refusal(port.get(key))).toBe("unavailable");
  });

  it("refuses what another program wrote as invalid", async () => {
    const { port } = await tableOf(
      success({ Item: { pk: { S: "p" }, sk: { S: "s" }, document: { M: { a: { B: "AA==" } } } } }),
      success({ Item: { pk: { S: "p" }, sk: { S: "s" } } }),
    );
    expect(await refusal(port.get(key))).toBe("invalid");
    expect(await refusal(port.get(key))).toBe("invalid");
  });

  const cancelled = (...codes: string[]) =>
    failure("TransactionCanceledException", 400, {
      CancellationReasons: codes.map((Code) => ({ Code })),
    });
  const once = (port: Awaited<ReturnType<typeof tableOf>>["port"]) =>
    port.once("key", (writes) => writes.put(key, {}, { ifAbsent: true }));

  it("waits for another's transaction to end, and applies its own then", async () => {
    const inTheWay = cancelled("TransactionConflict", "None");
    const { port, asked } = await tableOf(inTheWay, inTheWay, success({}));
    expect(await once(port)).toBe(true);
    expect(asked).toHaveLength(3);
  });

  it("waits for another's transaction before a single write too", async () => {
    const { port } = await tableOf(failure("TransactionConflictException"), success({}));
    expect(await refusal(port.put(key, {}))).toBe("nothing refused");
  });

  it.each([
    [["ConditionalCheckFailed", "ConditionalCheckFailed"], false],
    [["ConditionalCheckFailed", "None"], false],
  ])("takes %j as seen before", async (codes, expected) => {
    const { port } = await tableOf(cancelled(...codes));
    expect(await once(port)).toBe(expected);
  });

  it.each([
    [["None", "ConditionalCheckFailed"], "conflict"],
    [["None", "ThrottlingError"], "throttled"],
    [["None", "ProvisionedThroughputExceeded"], "throttled"],
    [["None", "ValidationError"], "invalid"],
    [["None", "ItemCollectionSizeLimitExceeded"], "too-large"],
    [["TransactionConflict", "None"], "throttled"],
  ])("answers a transaction that was cancelled for %j with %s", async (codes, expected) => {
    const { port } = await tableOf(cancelled(...codes));
    expect(await refusal(once(port))).toBe(expected);
  });

  const item = (sk: string) => ({ pk: { S: "p" }, sk: { S: sk }, document: { M: {} } });
  it("opens the next page with the last item of one that the service cut at 1 MB", async () => {
    const cut = {
      Items: [item("a"), item("b")],
      LastEvaluatedKey: { pk: { S: "p" }, sk: { S: "b" } },
    };
    const { port, asked } = await tableOf(success(cut), success({ Items: [item("b")] }));
    const first = await port.query("p");
    expect(first.items.map(({ sk }) => sk)).toEqual(["a"]);
    const second = await port.query("p", { cursor: first.cursor });
    expect(second).toEqual({ items: [{ pk: "p", sk: "b", document: {} }] });
    expect(JSON.parse(asked[1]?.body ?? "")).toMatchObject({
      ExclusiveStartKey: { pk: { S: "p" }, sk: { S: "a" } },
    });
  });
});

describe("aws object store, when the service fails", () => {
  const xml = (code: string, status: number): Answer => ({
    status,
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`,
    headers: { "content-type": "application/xml" },
  });
  const done: Answer = { status: 200, body: "", headers: { etag: '"x"' } };
  async function storeOf(...answers: readonly [Answer, ...Answer[]]) {
    const { service, config } = await serviceOf(...answers);
    const port = objectStore({ name: "media", location: "b", client: new S3Client(config) });
    return { port, asked: service.asked };
  }

  it.each([
    ["AccessDenied", 403, "denied"],
    ["NoSuchBucket", 404, "unavailable"],
    ["SlowDown", 503, "throttled"],
    ["InternalError", 500, "unavailable"],
    ["EntityTooLarge", 400, "too-large"],
  ])("answers %s (%s) with the code %s, in every verb", async (code, status, expected) => {
    const { port } = await storeOf(xml(code, status));
    expect(await refusal(port.get("k"))).toBe(expected);
    expect(await refusal(port.put("k", "x"))).toBe(expected);
    expect(await refusal(port.list("k"))).toBe(expected);
  });

  it("comes again when two uploads at once were both stopped", async () => {
    const { port, asked } = await storeOf(xml("ConditionalRequestConflict", 409), done);
    expect(await refusal(port.put("k", "x", { ifAbsent: true }))).toBe("nothing refused");
    expect(asked).toHaveLength(2);
  });

  it("does not take the start of a body for the whole", async () => {
    const headers = { "content-length": "100", connection: "close" };
    const { port } = await storeOf({ status: 200, body: "only this", headers });
    expect(await refusal(port.get("k"))).toBe("unavailable");
  });
});

describe("aws queue consumer, when the service fails", () => {
  it("says so where a queue has no dead-letter queue", async () => {
    const message = { MessageId: "m", Body: "1", ReceiptHandle: "r", Attributes: {} };
    const { config } = await serviceOf(
      success({ Messages: [message] }),
      success({ Attributes: {} }),
    );
    const client = new SQSClient({ ...config, md5: false });
    const consumer = queueConsumer({ name: "inbox", location: `${config.endpoint}/1/q`, client });
    const [delivery] = await consumer.receive(1, 0);
    await expect(delivery?.reject("bad")).rejects.toMatchObject({
      code: "unavailable",
      message: 'queue "inbox": it has no dead-letter queue; deploy it with one',
    });
  });
});

describe("aws identity, in what no emulator does", () => {
  async function identityOf(...answers: readonly [Answer, ...Answer[]]) {
    const { service, config } = await serviceOf(...answers);
    const client = new CognitoIdentityProviderClient(config);
    return { port: identity({ name: "users", location: "app", client }), asked: service.asked };
  }
  const lambda = (message: string) => failure("UserLambdaValidationException", 400, { message });
  const email = "a@example.com";

  it("gives a hook's own words to the client", async () => {
    const { port } = await identityOf(lambda("PreSignUp failed with error example.com is full."));
    await expect(port.signUp({ email, password: "x" })).rejects.toMatchObject({
      code: "denied",
      message: 'identity "users": example.com is full; use another',
    });
  });

  it.each([
    ["CodeMismatchException", "invalid"],
    ["ExpiredCodeException", "invalid"],
    ["UserNotFoundException", "invalid"],
    ["NotAuthorizedException", "invalid"],
    ["TooManyFailedAttemptsException", "throttled"],
    ["LimitExceededException", "throttled"],
    ["UnexpectedLambdaException", "unavailable"],
  ])("answers %s to a confirmation with the code %s", async (type, code) => {
    const status = code === "unavailable" ? 500 : 400;
    const { port } = await identityOf(failure(type, status));
    expect(await refusal(port.confirm({ email, code: "123456" }))).toBe(code);
  });

  it("says nothing of an unknown or a confirmed user who asks for a code again", async () => {
    const { port } = await identityOf(
      success({}),
      failure("UserNotFoundException"),
      failure("InvalidParameterException"),
      failure("LimitExceededException"),
    );
    for (let n = 0; n < 3; n++)
      expect(await refusal(port.resend({ email }))).toBe("nothing refused");
    expect(await refusal(port.resend({ email }))).toBe("throttled");
  });

  it("answers a custom challenge under the user's own name, which the client never sees", async () => {
    const { port, asked } = await identityOf(
      success({
        ChallengeName: "CUSTOM_CHALLENGE",
        Session: "one",
        ChallengeParameters: { USERNAME: "sub-of-a", hint: "six times seven" },
      }),
      success({ ChallengeName: "CUSTOM_CHALLENGE", Session: "two", ChallengeParameters: {} }),
      success({ AuthenticationResult: { AccessToken: "a", IdToken: "i", ExpiresIn: 3600 } }),
    );
    const first = await port.signIn({ email });
    if (!("challenge" in first)) throw new Error("tokens came instead of a challenge");
    expect(first.parameters).toEqual({ hint: "six times seven" });
    const second = await port.answer({ email, ...first, answer: "41" });
    if (!("challenge" in second)) throw new Error("tokens came instead of a challenge");
    expect(await port.answer({ email, ...second, answer: "42" })).toEqual({
      accessToken: "a",
      idToken: "i",
      expiresIn: 3600,
    });
    expect(asked.map(({ body }) => JSON.parse(body))).toMatchObject([
      { AuthFlow: "CUSTOM_AUTH", AuthParameters: { USERNAME: email } },
      { Session: "one", ChallengeResponses: { USERNAME: "sub-of-a", ANSWER: "41" } },
      { Session: "two", ChallengeResponses: { ANSWER: "42" } },
    ]);
  });

  it.each(["NotAuthorizedException", "CodeMismatchException", "InvalidParameterException"])(
    "answers %s to an answer with the code denied",
    async (type) => {
      const { port } = await identityOf(
        success({ ChallengeName: "CUSTOM_CHALLENGE", Session: "one", ChallengeParameters: {} }),
        failure(type),
      );
      const question = await port.signIn({ email });
      if (!("challenge" in question)) throw new Error("tokens came instead of a challenge");
      expect(await refusal(port.answer({ email, ...question, answer: "41" }))).toBe("denied");
    },
  );
});

describe("aws adapters without a client of their own", () => {
  it("make one at the first use, for AWS_ENDPOINT_URL", async () => {
    const client = new DynamoDBClient(emulator);
    closing.push(() => client.destroy());
    const port = table({ name: "catalog", location: await createTable(client) });
    vi.stubEnv("AWS_ENDPOINT_URL", emulator.endpoint);
    vi.stubEnv("AWS_REGION", emulator.region);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    await port.put(key, { stored: true });
    expect(await port.get(key)).toEqual({ stored: true });
  });

  it("give the edge's URL without a slash at its end", () => {
    expect(edge({ name: "edge", location: "https://shop.example/" }).url).toBe(
      "https://shop.example",
    );
  });
});
