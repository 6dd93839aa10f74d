import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alertsOf, certificateOf, defaults, parseSettings } from "../settings.ts";
import { system } from "../system.ts";

const parse = (raw: Record<string, string>, needed: string[] = []) =>
  parseSettings(raw, system, needed);

const monitor = "arn:aws:ce::123456789012:anomalymonitor/9b2f5b1e-0d2c-4f0e-8d5a-2f5f0c6f1f10";
const certificate = "arn:aws:acm:eu-central-1:123456789012:certificate/0f2c";

describe("settings", () => {
  test("an empty stack config gives the defaults", () => {
    expect(parse({})).toEqual(defaults);
  });

  test("reads every key", () => {
    const settings = parse({
      cloud: "aws",
      region: "eu-central-1",
      protect: "true",
      backups: "true",
      logRetentionDays: "90",
      alarmEmail: "ops@shop.example",
      monthlyBudget: "400",
      anomalyMonitor: monitor,
      corsOrigins: '["https://shop.example"]',
      network: '{"zones":3,"nat":"per-zone","endpoints":["queue"]}',
      database: '{"multiAz":true,"instanceClass":"db.r8g.large","proxy":true}',
      cache: '{"nodes":2}',
      migrations: "by-hand",
      certificate: `{"arn":"${certificate}","serverName":"inside.shop.example"}`,
      capacity:
        '{"orders":{"min":2,"max":6,"spot":50},"users":{"on":"ec2","instanceType":"m7g.large"}}',
      overflow: '{"orders":{"perHourUsd":2.5,"concurrency":50,"ceiling":40}}',
      cutover: '{"users":{"function":90}}',
      placement: '{"users":"container"}',
      tags: '{"team":"shop"}',
      scanner: "true",
      secrets: '{"github-webhook":"s3cret"}',
    });
    expect(settings).toEqual({
      cloud: "aws",
      region: "eu-central-1",
      protect: true,
      backups: true,
      logRetentionDays: 90,
      alarmEmail: "ops@shop.example",
      monthlyBudget: 400,
      anomalyMonitor: monitor,
      corsOrigins: ["https://shop.example"],
      network: { zones: 3, nat: "per-zone", endpoints: ["queue"] },
      database: { multiAz: true, instanceClass: "db.r8g.large", proxy: true },
      cache: { nodes: 2 },
      migrations: "by-hand",
      certificate: { arn: certificate, serverName: "inside.shop.example" },
      capacity: {
        orders: { min: 2, max: 6, spot: 50 },
        users: { on: "ec2", instanceType: "m7g.large" },
      },
      overflow: { orders: { perHourUsd: 2.5, concurrency: 50, ceiling: 40 } },
      cutover: { users: { function: 90 } },
      placement: { users: "container" },
      tags: { team: "shop" },
      scanner: true,
      secrets: { "github-webhook": "s3cret" },
    });
  });

  test("names every fault with its remedy, in one message", () => {
    const faulty = () =>
      parse(
        {
          clod: "aws",
          cloud: "azure",
          protect: "yes",
          logRetentionDays: "15",
          alarmEmail: "ops",
          monthlyBudget: "-5",
          anomalyMonitor: "arn:aws:sns:eu-central-1:123456789012:costs",
          corsOrigins: '["shop.example"]',
          placement: '{"user":"function","users":"cloud"}',
          secrets: '{"githb":"x"}',
        },
        ["stripe-webhook"],
      );
    expect(faulty).toThrow(/^Stack config: 12 to correct\n/);
    for (const part of [
      'key "clod" is unknown; use one of cloud, region,',
      'cloud "azure" is unknown; use "aws"',
      'protect "yes"; use true or false',
      'logRetentionDays "15"; CloudWatch Logs takes 1, 3, 5,',
      'alarmEmail "ops"; give one address',
      'monthlyBudget "-5"; give whole dollars, or 0 for none',
      'anomalyMonitor "arn:aws:sns:eu-central-1:123456789012:costs"; give its ARN',
      'corsOrigins has "shop.example"; write it as "https://shop.example"',
      "placement.user: there is no such workload; use one of users,",
      'placement.users "cloud"; use one of function,',
      "secrets.githb is no secret of the system; use one of stripe-webhook,",
      "secret \"stripe-webhook\" has no value; set it with: pulumi config set --secret --path 'secrets.stripe-webhook'",
    ])
      expect(faulty).toThrow(part);
  });

  test("hold what is an object to the names and types that there are", () => {
    const faulty = () =>
      parse({
        network: '{"zones":"3","nats":"one"}',
        database: "[]",
        cache: "two",
        migrations: "never",
        certificate: '{"arn":"arn:aws:iam::123456789012:server-certificate/own"}',
        capacity: '{"order":{},"orders":{"min":-1}}',
        overflow: '{"orders":{"perHour":2},"order":{}}',
        cutover: '{"orders":{"function":"10"},"user":{}}',
      });
    for (const fault of [
      'network.zones "3"; give a number',
      "network.nats is unknown; use range, zones, nat, endpoints",
      "database is no object; give any of instanceClass,",
      "cache is not an object",
      'migrations "never" is unknown; use "automatic" or "by-hand"',
      "certificate has one of arn and serverName; give both, or neither",
      'server-certificate/own"; give that of a certificate in ACM',
      "capacity.order: there is no such workload",
      "capacity.orders.min -1; give a number",
      "overflow.orders.perHour is unknown; use perHourUsd, concurrency, ceiling",
      "overflow.order: there is no such workload; use one of users,",
      'cutover.orders.function "10"; give a number',
      "cutover.user: there is no such workload",
    ])
      expect(faulty).toThrow(fault);
  });

  test("weigh anomalies by the budget", () => {
    expect(() => parse({ anomalyMonitor: monitor })).toThrow(
      "anomalyMonitor without monthlyBudget",
    );
  });

  test("leave out of alerts what is empty: no budget is not a budget of 0", () => {
    expect(alertsOf(defaults)).toEqual({});
    expect(alertsOf({ ...defaults, alarmEmail: "ops@shop.example", monthlyBudget: 400 })).toEqual({
      email: "ops@shop.example",
      monthlyBudget: 400,
    });
  });

  test("have a certificate for listeners whole, or none", () => {
    expect(certificateOf(defaults)).toBeUndefined();
    const own = { arn: certificate, serverName: "inside.shop.example" };
    expect(certificateOf({ ...defaults, certificate: own })).toEqual(own);
  });

  test("never repeats a secret's value", () => {
    const message = messageOf(() =>
      parse({ secrets: '{"github-webhook":"hunter2-hunter2","nope":"hunter2-hunter2"}' }),
    );
    expect(message).toContain("secrets.nope");
    expect(message).not.toContain("hunter2");
  });

  test("whatever is configured, it parses or says what to correct", () => {
    const keys = fc.constantFrom(...Object.keys(defaults), "other");
    fc.assert(
      fc.property(fc.dictionary(keys, fc.oneof(fc.string(), fc.json())), (raw) => {
        const message = messageOf(() => parse(raw));
        expect(message === undefined || message.startsWith("Stack config: ")).toBe(true);
      }),
    );
  });

  test("Pulumi.yaml declares the same keys with the same defaults, each described", () => {
    const text = readFileSync(new URL("../Pulumi.yaml", import.meta.url), "utf8");
    const declared = Object.fromEntries(
      [...text.matchAll(/^ {2}spillway:(\w+):\n((?: {4}.*\n)+)/gm)].map(([, key, body = ""]) => {
        expect(body).toMatch(/^ {4}type: \w+$/m);
        expect(body).toMatch(/^ {4}description: .{10,}$/m);
        return [key, /^ {4}default: (.*)$/m.exec(body)?.[1]];
      }),
    );
    // The region is a key of Pulumi's own AWS provider.
    const { region: _, ...own } = defaults;
    expect(declared).toEqual(
      Object.fromEntries(
        Object.entries(own).map(([key, value]) => [
          key,
          typeof value === "object" || value === "" ? JSON.stringify(value) : String(value),
        ]),
      ),
    );
  });
});

function messageOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
