import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import type { Bindings } from "../../../components/aws/bindings.ts";
import { Channels, type ChannelsArgs } from "../../../components/aws/Channels.ts";
import { awsInvoke, type Graph, runUnderMocks } from "../harness.ts";
import { arnOf, plant } from "./event-fixtures.ts";

const type = {
  bus: "aws:cloudwatch/eventBus:EventBus",
  group: "aws:scheduler/scheduleGroup:ScheduleGroup",
  identity: "aws:sesv2/emailIdentity:EmailIdentity",
  stream: "aws:kinesis/stream:Stream",
  topic: "aws:sns/topic:Topic",
} as const;

const secret = (name: string) => {
  const arn = arnOf("secretsmanager", `secret:${name}`);
  return { kind: "secret", arn, location: arn } as const;
};
const slow = arnOf("sqs", "slow");
const stores: Bindings = {
  "secrets.team-url": secret("team-url"),
  "secrets.bank-key": secret("bank-key"),
  slow: {
    kind: "queue",
    arn: slow,
    location: "https://sqs/slow",
    deadLetters: { arn: `${slow}-dead`, url: "https://sqs/slow-dead" },
  },
};
const channels = (args: Partial<ChannelsArgs> = {}) =>
  runUnderMocks(() => new Channels("channels", { system: plant, stores, ...args }), {
    project: "plant",
    stack: "dev",
    invoke: awsInvoke,
  });

describe("channels", () => {
  let graph: Graph<Channels>;
  beforeAll(async () => {
    graph = await channels();
  });

  test("topics are encrypted, and published to with TLS alone", () => {
    expect(graph.find(type.topic).inputs).toEqual({
      name: "plant-dev-channels-news",
      kmsMasterKeyId: "alias/aws/sns",
    });
    expect(graph.policy("channels-news-tls").Statement).toMatchObject([
      {
        Effect: "Deny",
        Principal: "*",
        Action: ["sns:Publish", "sns:Subscribe"],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
  });

  test("streams are encrypted, grow by themselves, and remember as long as is declared", () => {
    expect(graph.find(type.stream).inputs).toEqual({
      name: "plant-dev-channels-clicks",
      encryptionType: "KMS",
      kmsKeyId: "alias/aws/kinesis",
      retentionPeriod: 48,
      streamModeDetails: { streamMode: "ON_DEMAND" },
    });
  });

  test("a scheduler's role may send to its one queue and that one's dead letters", () => {
    expect(graph.policy("channels-later-policy").Statement).toMatchObject([
      { Action: ["sqs:SendMessage"], Resource: [slow, `${slow}-dead`] },
    ]);
    const [trust] = graph.policy("channels-later-role", "assumeRolePolicy").Statement;
    expect(trust).toMatchObject({
      Principal: { Service: "scheduler.amazonaws.com" },
      Condition: {
        StringEquals: { "aws:SourceAccount": "123456789012" },
        ArnEquals: {
          "aws:SourceArn": arnOf("scheduler", "schedule-group/plant-dev-channels-later"),
        },
      },
    });
  });

  test("each is bound by its name, with what policies name and what code is told", async () => {
    const { bindings } = graph.result;
    const known = (value: unknown) =>
      (pulumi.output(value) as unknown as { promise(): Promise<Bindings> }).promise();
    const machine = arnOf("states", "stateMachine:plant-dev-channels-saga");
    const news = arnOf("sns", "plant-dev-channels-news");
    const post = arnOf("ses", "identity/plant@example.com");
    const role = "arn:aws:iam::123456789012:role/plant-dev-channels-later";
    expect(await known(bindings)).toEqual({
      news: { kind: "topic", arn: news, location: news },
      facts: {
        kind: "bus",
        arn: arnOf("events", "event-bus/plant-dev-channels-facts"),
        location: "plant-dev-channels-facts",
      },
      clicks: {
        kind: "stream",
        arn: arnOf("kinesis", "stream/plant-dev-channels-clicks"),
        location: "plant-dev-channels-clicks",
      },
      post: { kind: "mailer", arn: post, location: post },
      team: { ...secret("team-url"), kind: "chat" },
      bank: { ...secret("bank-key"), kind: "api" },
      weather: { kind: "api", location: "https://weather.example" },
      later: {
        kind: "scheduler",
        arn: arnOf("scheduler", "schedule/plant-dev-channels-later"),
        roleArn: role,
        location: JSON.stringify({
          group: "plant-dev-channels-later",
          queue: slow,
          deadLetters: `${slow}-dead`,
          role,
        }),
      },
      partner: {
        kind: "native",
        arn: plant.natives.partner.arn,
        location: plant.natives.partner.arn,
        actions: ["events:PutEvents"],
      },
      saga: { kind: "workflow", arn: machine, location: machine },
    });
  });
});

test("only what the deployed workloads need is made", async () => {
  const graph = await channels({ workloads: ["reads"] });
  expect(graph.all(type.stream)).toHaveLength(1);
  for (const token of [type.topic, type.bus, type.identity, type.group])
    expect(graph.all(token), token).toEqual([]);
  expect(Object.keys(graph.result.bindings)).toEqual(["clicks"]);
});

test("a sender's identity that is there already is used, and none is made", async () => {
  const arn = arnOf("ses", "identity/example.com");
  const graph = await channels({ workloads: ["all"], senders: { post: arn } });
  expect(graph.all(type.identity)).toEqual([]);
  expect(graph.result.bindings.post).toMatchObject({ arn });
});

test("what services need and nothing is bound to is refused, all in one message", async () => {
  await expect(channels({ stores: {} })).rejects.toThrow(
    [
      'Channels "channels": 3 faults',
      '  - service "team" needs secrets.team-url, which is not bound; give stores["secrets.team-url"]',
      '  - service "bank" needs secrets.bank-key, which is not bound; give stores["secrets.bank-key"]',
      '  - service "later" needs slow, which is not bound; give stores["slow"]',
    ].join("\n"),
  );
});
