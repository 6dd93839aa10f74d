import * as pulumi from "@pulumi/pulumi";
import type { Fault } from "../../shared/validation.ts";
import type { Account } from "../account.ts";
import type { Panel } from "./panels.ts";

/** What stands side by side under one title. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A dashboard's own most (Amazon CloudWatch quotas, read 2026-11). */
const mostWidgets = 500;
const columns = 24;
const panelHeight = 5;
/** A widget of alarms' own most (dashboard body structure, read 2026-11). */
const mostAlarms = 100;
const alarmsInLine = 8;

/** What keeps rows from being one dashboard. */
export function dashboardFaults(rows: readonly Row[]): Fault[] {
  const widgets = rows.reduce((count, { panels }) => count + 1 + panels.length, 0);
  return widgets > mostWidgets
    ? [
        `${widgets} widgets, over a dashboard's ${mostWidgets}; give two of these half the workloads`,
      ]
    : [];
}

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A dashboard's body: the states of all alarms, then a row under the other. */
export function dashboardBody(
  rows: readonly Row[],
  alarms: readonly pulumi.Input<string>[],
  { region }: { readonly region: pulumi.Input<string> },
): pulumi.Output<string> {
  const widgets: Widget[] = [];
  let y = 0;
  const add = (height: number, line: readonly Omit<Widget, "x" | "y" | "width" | "height">[]) => {
    const width = Math.floor(columns / line.length);
    widgets.push(...line.map((each, index) => ({ ...each, x: index * width, y, width, height })));
    y += height;
  };
  for (let from = 0; from < alarms.length; from += mostAlarms) {
    const some = alarms.slice(from, from + mostAlarms);
    const properties = { title: from === 0 ? "Alarms" : "More alarms", alarms: some };
    add(1 + Math.ceil(some.length / alarmsInLine), [{ type: "alarm", properties }]);
  }
  for (const { title, panels } of rows) {
    add(1, [{ type: "text", properties: { markdown: title, background: "transparent" } }]);
    if (panels.length > 0)
      add(
        panelHeight,
        panels.map(({ type, properties }) => ({ type, properties: { ...properties, region } })),
      );
  }
  return pulumi.jsonStringify({ widgets });
}

/** Where people sign in, by the part of the world. */
const consoles: Readonly<Record<string, string>> = {
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};

/** A dashboard's address in the console. */
export const dashboardLink = ({ partition, region }: Account, name: string): string =>
  `https://${region}.${consoles[partition] ?? "console.aws.amazon.com"}/cloudwatch/home?region=${region}#dashboards/dashboard/${encodeURIComponent(name)}`;
