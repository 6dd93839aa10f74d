import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { afterAll, describe, expect, it } from "vitest";
import { api } from "../../../runtime/adapters/aws/api.ts";
import { chat } from "../../../runtime/adapters/aws/chat.ts";
import { mailer } from "../../../runtime/adapters/aws/mailer.ts";
import { metrics } from "../../../runtime/adapters/aws/metrics.ts";
import { native } from "../../../runtime/adapters/aws/native.ts";
import { scheduler } from "../../../runtime/adapters/aws/scheduler.ts";
import { recorder } from "../recording.ts";
import { startReceiver } from "../suites/receiver.ts";
import { emulator, uniqueName } from "./emulator.ts";
import { createScheduleGroup, createSecret } from "./resources.ts";

/** What each verb of a service's port asks of IAM, seen in its calls. */
describe("aws permissions of", () => {
  const seen = recorder();
  const all: { destroy(): void }[] = [];
  const kept = <C extends { destroy(): void }>(client: C): C => {
    all.push(client);
    return client;
  };
  afterAll(() => {
    for (const client of all) client.destroy();
  });
  const needsOf = async (work: () => Promise<unknown>) => {
    seen.clear();
    await work().catch(() => {});
    return seen.calls().map(({ action, resource }) => `${action} ${resource}`);
  };

  it("a mailer", async () => {
    const from = `${uniqueName("shop")}@example.com`;
    const location = `arn:aws:ses:us-east-1:123456789012:identity/${from}`;
    await kept(new SESv2Client(emulator)).send(
      new CreateEmailIdentityCommand({ EmailIdentity: from }),
    );
    const client = seen.plugin(kept(new SESv2Client(emulator)));
    const { send } = mailer({ name: "mailer", from, location, client });
    const mail = { to: "a@example.com", subject: "s", text: "t" };
    expect(await needsOf(() => send(mail))).toEqual([`ses:SendEmail ${location}`]);
  });

  it("a chat, and an API with a secret: the secret's", async () => {
    const there = await startReceiver();
    const location = await createSecret(kept(new SecretsManagerClient(emulator)), there.url);
    const client = seen.plugin(kept(new SecretsManagerClient(emulator)));
    const port = chat({ name: "chat", location, client });
    const needs = [`secretsmanager:GetSecretValue ${location}`];
    expect(await needsOf(() => port.post({ text: "x" }))).toEqual(needs);
    const secret = { name: "key", location };
    const { request } = api({ name: "payments", location: there.url, secret, client });
    expect(await needsOf(() => request({ method: "GET", path: "/" }))).toEqual(needs);
    await there.close();
  });

  it("metrics", async () => {
    const client = seen.plugin(kept(new CloudWatchClient(emulator)));
    const location = JSON.stringify({ apiId: "a", alarmPrefix: "p" });
    const { read } = metrics({ name: "metrics", location, client });
    const span = { from: new Date(Date.now() - 60_000), to: new Date() };
    expect(await needsOf(() => read(span))).toEqual([
      "cloudwatch:DescribeAlarms *",
      "cloudwatch:GetMetricData *",
    ]);
  });

  it("each verb of a scheduler", async () => {
    const client = seen.plugin(kept(new SchedulerClient(emulator)));
    const group = await createScheduleGroup(kept(new SchedulerClient(emulator)));
    const role = "arn:aws:iam::123456789012:role/later";
    const location = JSON.stringify({ group, queue: "q", deadLetters: "d", role });
    const port = scheduler({ name: "later", location, client });
    const arn = `arn:aws:scheduler:us-east-1:123456789012:schedule/${group}/at-1`;
    const put = () => port.at("1", new Date(), 1);
    expect(await needsOf(put)).toEqual([`iam:PassRole ${role}`, `scheduler:CreateSchedule ${arn}`]);
    expect(await needsOf(put)).toEqual([
      `iam:PassRole ${role}`,
      `scheduler:CreateSchedule ${arn}`,
      `scheduler:UpdateSchedule ${arn}`,
    ]);
    expect(await needsOf(() => port.cancel("1"))).toEqual([`scheduler:DeleteSchedule ${arn}`]);
  });

  it("a native resource: those that it declares, for the cloud's own client", () => {
    const location = "arn:aws:events:eu-central-1:111122223333:event-bus/partner";
    expect(native({ name: "partner", location })).toEqual({ arn: location });
  });
});
