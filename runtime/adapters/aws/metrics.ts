import {
  CloudWatchClient,
  type MetricDataQuery,
  paginateDescribeAlarms,
  paginateGetMetricData,
} from "@aws-sdk/client-cloudwatch";
import type { Health, Metrics } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkSpan } from "../health.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf } from "./errors.ts";
import { partsOf } from "./location.ts";

const shared = lazy(() => new CloudWatchClient(clientSettings()));

/**
 * How a system's HTTP API fared, and which of its alarms are on, by CloudWatch. Needs
 * cloudwatch:GetMetricData and cloudwatch:DescribeAlarms. Over more than a day, `p99Ms` is that of
 * the slowest part of the span.
 * @param options.location JSON text: `apiId` of the HTTP API, and `alarmPrefix`, with which the
 *   names of the system's alarms begin
 * @param options.client default: one of this process, made at its first use
 * @param options.now default: the clock
 * @throws {PortError} `invalid` for a location that is none
 */
export function metrics(options: {
  readonly name: string;
  readonly location: string;
  readonly client?: CloudWatchClient;
  readonly now?: () => number;
}): Metrics {
  const { name, location, now = Date.now } = options;
  const client = () => options.client ?? shared();
  const fault = faultsOf("metrics", name);
  const { apiId, alarmPrefix } = partsOf(fault, location, ["apiId", "alarmPrefix"]);

  async function values(span: Span): Promise<ReadonlyMap<string, readonly number[]>> {
    const { from, to, period } = periodOf(span, now());
    // By the dimension ApiId alone: all stages and routes together ("Monitor HTTP APIs with
    // CloudWatch", read 2026-11).
    const query = (Id: string, MetricName: string, Stat: string): MetricDataQuery => ({
      Id,
      MetricStat: {
        Metric: {
          Namespace: "AWS/ApiGateway",
          MetricName,
          Dimensions: [{ Name: "ApiId", Value: apiId }],
        },
        Period: period,
        Stat,
      },
    });
    const input = {
      StartTime: from,
      EndTime: to,
      MetricDataQueries: [
        query("requests", "Count", "Sum"),
        query("errors", "5xx", "Sum"),
        query("p99", "Latency", "p99"),
      ],
    };
    const found = new Map<string, number[]>();
    for await (const page of paginateGetMetricData({ client: client() }, input))
      for (const { Id = "", Values = [] } of page.MetricDataResults ?? [])
        found.set(Id, [...(found.get(Id) ?? []), ...Values]);
    return found;
  }

  async function alerts(): Promise<Health["alerts"]> {
    const input = {
      AlarmNamePrefix: alarmPrefix,
      StateValue: "ALARM",
      AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
    } as const;
    const found = [];
    const pages = paginateDescribeAlarms(
      { client: client() },
      { ...input, AlarmTypes: [...input.AlarmTypes] },
    );
    for await (const { MetricAlarms = [], CompositeAlarms = [] } of pages)
      found.push(...MetricAlarms, ...CompositeAlarms);
    return found
      .filter(({ StateValue }) => StateValue === "ALARM")
      .map(({ AlarmName, StateTransitionedTimestamp, StateUpdatedTimestamp }) => ({
        name: AlarmName ?? "",
        since: StateTransitionedTimestamp ?? StateUpdatedTimestamp ?? new Date(now()),
      }));
  }

  return {
    async read(span) {
      checkSpan(fault, span);
      const both = Promise.all([values(span), alerts()]);
      const [found, on] = await answerOf(fault, both);
      const sum = (id: string) => (found.get(id) ?? []).reduce((total, one) => total + one, 0);
      const slowest = found.get("p99") ?? [];
      return {
        requests: sum("requests"),
        errors: sum("errors"),
        ...(slowest.length > 0 && { p99Ms: Math.max(...slowest) }),
        alerts: on,
      };
    },
  };
}

interface Span {
  readonly from: Date;
  readonly to: Date;
}

const minute = 60;
const day = 86_400;

/**
 * The span in whole steps of what CloudWatch has kept of that time (by the minute for 15 days, by
 * five for 63, then by the hour; API reference of GetMetricData, read 2026-11), and the longest
 * period of up to a day that divides it.
 * @param now in milliseconds
 */
export function periodOf({ from, to }: Span, now: number): Span & { readonly period: number } {
  const age = (now - from.getTime()) / 1000;
  // An hour early: what is asked for just before the step is answered just after it.
  const step = age > 63 * day - 3600 ? 3600 : age > 15 * day - 3600 ? 300 : minute;
  const start = Math.floor(from.getTime() / 1000 / step) * step;
  const end = Math.ceil(to.getTime() / 1000 / step) * step;
  const steps = (end - start) / step;
  let longest = Math.min(steps, day / step);
  while (steps % longest !== 0) longest--;
  return { from: new Date(start * 1000), to: new Date(end * 1000), period: longest * step };
}
