import {
  CloudWatchClient,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import { describe, expect, it } from "vitest";
import { clientSettings } from "../../../runtime/adapters/aws/client.ts";
import { metrics, periodOf } from "../../../runtime/adapters/aws/metrics.ts";
import { metricsContract } from "../suites/metrics.ts";
import { refusal } from "../suites/refusal.ts";
import { emulator, uniqueName } from "./emulator.ts";
import { failure, scripted, success } from "./scripted.ts";

const hourMs = 3_600_000;

async function raise(client: CloudWatchClient, AlarmName: string): Promise<void> {
  await client.send(
    new PutMetricAlarmCommand({
      AlarmName,
      Namespace: "AWS/SQS",
      MetricName: "ApproximateNumberOfMessagesVisible",
      Statistic: "Maximum",
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: "GreaterThanThreshold",
    }),
  );
  const state = { AlarmName, StateValue: "ALARM", StateReason: "the test says so" } as const;
  await client.send(new SetAlarmStateCommand(state));
}

metricsContract("aws metrics", {
  async make() {
    const client = new CloudWatchClient(emulator);
    // moto knows no percentiles: of fewer than a hundred requests, p99 is the maximum.
    client.middlewareStack.add(
      (next) => (args) => {
        const { MetricDataQueries = [] } = args.input as {
          MetricDataQueries?: { MetricStat: { Stat: string } }[];
        };
        for (const { MetricStat } of MetricDataQueries)
          if (MetricStat.Stat === "p99") MetricStat.Stat = "Maximum";
        return next(args);
      },
      { step: "initialize" },
    );
    const apiId = uniqueName("api");
    const alarmPrefix = `${uniqueName("system")}-`;
    await raise(client, `another-${alarmPrefix}on`);
    return {
      metrics: metrics({
        name: "metrics",
        location: JSON.stringify({ apiId, alarmPrefix }),
        client,
      }),
      async serve(requests) {
        const Dimensions = [{ Name: "ApiId", Value: apiId }];
        const MetricData = requests.flatMap(({ at: Timestamp, ms, status }) => [
          { MetricName: "Count", Value: 1, Timestamp, Dimensions },
          { MetricName: "5xx", Value: status >= 500 ? 1 : 0, Timestamp, Dimensions },
          { MetricName: "Latency", Value: ms, Timestamp, Dimensions },
        ]);
        await client.send(new PutMetricDataCommand({ Namespace: "AWS/ApiGateway", MetricData }));
      },
      async alert() {
        await raise(client, `${alarmPrefix}dead-letters`);
        return `${alarmPrefix}dead-letters`;
      },
      close: async () => client.destroy(),
    };
  },
});

describe("aws metrics, to the service", () => {
  const span = { from: new Date("2026-11-20T05:00:00Z"), to: new Date("2026-11-21T05:00:00Z") };
  const location = JSON.stringify({ apiId: "a1", alarmPrefix: "shop-" });
  const open = async (...answers: Parameters<typeof scripted>) => {
    const service = await scripted(...answers);
    const config = { ...emulator, ...clientSettings(), endpoint: service.endpoint };
    const client = new CloudWatchClient(config);
    const now = () => span.to.getTime();
    const port = metrics({ name: "metrics", location, client, now });
    const close = async () => {
      client.destroy();
      await service.close();
    };
    return { port, asked: service.asked, close };
  };

  it("asks for the 99th percentile, and takes that of the slowest part", async () => {
    const results = (Values: number[]) => ({ MetricDataResults: [{ Id: "p99", Values }] });
    const { port, asked, close } = await open(
      success({ ...results([120, 340]), NextToken: "more" }),
      success({ ...results([90]), MetricAlarms: [] }),
    );
    expect(await port.read(span)).toMatchObject({ requests: 0, p99Ms: 340 });
    await close();
    const queries = asked
      .map(({ body }) => JSON.parse(body))
      .find((body) => body.MetricDataQueries).MetricDataQueries;
    expect(queries[2]).toMatchObject({ MetricStat: { Stat: "p99", Period: 86_400 } });
  });

  it.each([
    ["LimitExceededException", 400, "throttled"],
    ["AccessDeniedException", 403, "denied"],
    ["InternalServiceFault", 500, "unavailable"],
  ])("answers %s with the code of its cause", async (type, status, code) => {
    const { port, close } = await open(failure(type, status));
    expect(await refusal(port.read(span))).toBe(code);
    await close();
  });
});

describe("aws metrics, as they are deployed", () => {
  it.each([
    ["", "apiId, alarmPrefix"],
    ["null", "apiId, alarmPrefix"],
    ['{"apiId":"a1","alarmPrefix":""}', "alarmPrefix"],
  ])("are refused at the start with the location %j", (location, missing) => {
    expect(() => metrics({ name: "metrics", location })).toThrow(
      `metrics "metrics": its location has no ${missing}; deploy it with its component`,
    );
  });
});

describe("the period of a span", () => {
  const now = Date.UTC(2026, 10, 21);
  const periodOver = (hours: number, hoursAgo = hours) => {
    const from = new Date(now - hoursAgo * hourMs);
    return periodOf({ from, to: new Date(from.getTime() + hours * hourMs) }, now).period;
  };

  it.each([
    ["a day", 24, 86_400],
    ["a day that is an hour short, as in spring", 23, 82_800],
    ["a day that is an hour long, as in autumn", 25, 45_000],
    ["a week", 168, 86_400],
    ["ten minutes", 1 / 6, 600],
  ])("of %s is the longest up to a day that divides it", (_, hours, seconds) => {
    expect(periodOver(hours)).toBe(seconds);
  });

  it("is of whole steps of what is kept of that time", () => {
    const from = new Date(now - 20 * 24 * hourMs + 61_000);
    const { period, ...span } = periodOf({ from, to: new Date(from.getTime() + hourMs) }, now);
    expect(period % 300).toBe(0);
    expect(span.from.getTime() % 300_000).toBe(0);
    expect(span.to.getTime() - span.from.getTime()).toBe(65 * 60_000);
    expect(periodOver(2, 64 * 24)).toBe(7_200);
  });
});
