import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalName, plain } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { refuse } from "../shared/validation.ts";
import type { Alerts } from "./Alerts.ts";
import { type Account, accountOf } from "./account.ts";
import { alarm, functionAlarms, overflowAlarms, refusedAlarm } from "./alarms.ts";
import {
  dashboardBody,
  dashboardFaults,
  dashboardLink,
  type Row,
} from "./observability/dashboard.ts";
import { apiErrors, hookErrors, type ShareAlarm, shareAlarm } from "./observability/share-alarm.ts";
import { rowsOf, type WatchArgs, watchFaults } from "./observability/watched.ts";

export interface ObservabilityArgs extends WatchArgs {
  /** Who is told of alarms. Default: they can be seen, and tell nobody */
  readonly alerts?: Pick<Alerts, "arn" | "alarms">;
  readonly transform?: {
    readonly dashboard?: Transform<aws.cloudwatch.DashboardArgs>;
    /** Of the alarms on shares: the API's 5xx, the hooks' errors. */
    readonly alarm?: Transform<aws.cloudwatch.MetricAlarmArgs>;
  };
}

/**
 * What there is to see of a stack: one dashboard with the state of all alarms and a row for each
 * deployed workload (rate, errors, p50 and p99 duration, cold starts; queue age, depth and dead
 * letters; how far a reader is behind; executions), and the alarms that nobody else makes: on the
 * API's 5xx, and on errors and throttles of the functions behind it and of the identity's hooks, and on requests that tasks
 * refuse, with a budget that is spent and a breaker that is open where they overflow.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const watch = new Observability("watch", { system, stores: stores.bindings, edge, users, events, alerts });
 * export const dashboard = watch.link;
 */
export class Observability extends pulumi.ComponentResource {
  readonly dashboard: aws.cloudwatch.Dashboard;
  /** The alarms that are made here. */
  readonly alarms: readonly aws.cloudwatch.MetricAlarm[];
  /** Where the dashboard is, in the console. */
  readonly link: pulumi.Output<string>;

  constructor(name: string, args: ObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    const faults = watchFaults(args);
    const rows = faults.length > 0 ? [] : rowsOf(args);
    refuse("Observability", name, [...faults, ...dashboardFaults(rows)]);
    super("spillway:aws:Observability", name, {}, opts);
    const account = accountOf(this);

    this.alarms = [
      ...this.#watchApi(name, args),
      ...this.#watchFunctions(name, args),
      ...this.#watchHooks(name, args),
      ...this.#watchAdmission(name, args),
    ];
    this.dashboard = this.#makeDashboard(name, rows, args, account);
    this.link = pulumi
      .all([account, this.dashboard.dashboardName])
      .apply(([known, dashboard]) => dashboardLink(known, dashboard));
    this.registerOutputs({ link: this.link });
  }

  #share(logical: string, given: ShareAlarm, { alerts, transform }: ObservabilityArgs) {
    const options = { topicArn: alerts?.arn, transform: transform?.alarm };
    return shareAlarm(logical, given, options, this);
  }

  #watchApi(name: string, args: ObservabilityArgs) {
    return args.edge ? [this.#share(`${name}-api-errors`, apiErrors(args.edge.api.id), args)] : [];
  }

  #watchFunctions(name: string, { edge, alerts }: ObservabilityArgs) {
    return Object.entries(edge?.functions ?? {}).flatMap(([workload, made]) =>
      Object.entries(functionAlarms(made.function.name)).map(([about, given]) =>
        alarm(`${name}-${workload}-${about}`, given, alerts?.arn, this),
      ),
    );
  }

  #watchHooks(name: string, args: ObservabilityArgs) {
    return Object.entries(args.users?.hooks ?? {}).flatMap(([workload, made]) => {
      const { throttles } = functionAlarms(made.function.name);
      return [
        this.#share(`${name}-${workload}-errors`, hookErrors(made.function.name), args),
        alarm(`${name}-${workload}-throttles`, throttles, args.alerts?.arn, this),
      ];
    });
  }

  #watchAdmission(name: string, { system, core, alerts }: ObservabilityArgs) {
    return Object.entries(core?.services ?? {}).flatMap(([workload, { reportsAs, spills }]) => {
      if (reportsAs === undefined || system.workloads[workload]?.kind !== "http") return [];
      const given = {
        refused: refusedAlarm(reportsAs),
        ...(spills && overflowAlarms(reportsAs)),
      };
      return Object.entries(given).map(([about, each]) =>
        alarm(`${name}-${workload}-${about}`, each, alerts?.arn, this),
      );
    });
  }

  #makeDashboard(
    name: string,
    rows: readonly Row[],
    { alerts, events, transform }: ObservabilityArgs,
    account: pulumi.Output<Account>,
  ) {
    const all = [...(alerts?.alarms ?? []), ...this.alarms, ...(events?.alarms ?? [])];
    return new aws.cloudwatch.Dashboard(
      name,
      transformed(transform?.dashboard, name, {
        // Stacks' names may have dots, and dashboards' may not.
        dashboardName: plain(physicalName(name, "dashboard"), 255),
        dashboardBody: dashboardBody(
          rows,
          all.map(({ arn }) => arn),
          { region: account.apply(({ region }) => region) },
        ),
      }),
      { parent: this },
    );
  }
}
