import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { usesOf } from "../../spec/index.ts";
import { system } from "../../system.ts";
import { type Engine, openEngine, runPulumi, stateText } from "../../tools/engine.ts";
import { prepareStack } from "../../tools/simulated-config.ts";
import { inCloud, resourcesOf } from "./state.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The table that storefront's users are kept in. */
const table = usesOf(system, "users")[0]?.name;

interface Run {
  readonly code: number;
  /** "create", "update", "same" … and how many. */
  readonly changes: Readonly<Record<string, number>>;
  /** "operation type name: properties" of what is not the same. */
  readonly steps: readonly string[];
  readonly text: string;
}

/** The program as it stands, on the real engine, one command after the other on one stack. */
describe("storefront on the real engine", { timeout: 300_000 }, () => {
  let folder: string;
  let engine: Engine;
  let config: string;
  /** By all commands so far. */
  let printed = "";

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-storefront-"));
    engine = await openEngine(folder, { checkpoints: false });
    config = await prepareStack(engine, root, "dev", join(folder, "project"));
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const pulumi = async (command: string, env?: Record<string, string>): Promise<Run> => {
    const options = command === "preview" ? [] : ["--yes", "--skip-preview"];
    const args = [command, "--stack", "dev", "--config-file", config, "--json", ...options];
    const streaming = { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" };
    const { code, stdout, stderr } = await runPulumi(engine, args, {
      cwd: root,
      env: { ...streaming, ...env },
    });
    const text = stdout + stderr;
    printed += text;
    return { code, ...read(stdout), text };
  };
  const configure = (from: RegExp, to: string) =>
    writeFileSync(config, readFileSync(config, "utf8").replace(from, to));
  const made = () => resourcesOf(stateText(engine, "spillway", "dev")).map(({ urn }) => urn);

  test("preview plans the edge, the event side and the user pool, and makes nothing", async () => {
    const { code, changes, steps } = await pulumi("preview");
    expect(code).toBe(0);
    expect(Object.keys(changes)).toEqual(["create"]);
    for (const step of [
      "create spillway:aws:ServerlessEdge edge",
      "create aws:apigatewayv2/api:Api edge",
      "create aws:lambda/function:Function edge-users-function",
      "create aws:iam/role:Role edge-users-role",
      `create aws:dynamodb/table:Table stores-${table}`,
      "create aws:sqs/queue:Queue stores-inbox",
      "create aws:cognito/userPool:UserPool users",
      "create spillway:aws:EventPipeline events",
      "create aws:sns/topic:Topic channels-events",
      "create aws:sqs/queue:Queue events-thumbnails",
      "create aws:lambda/eventSourceMapping:EventSourceMapping events-fulfil",
      "create aws:scheduler/schedule:Schedule events-dailyReport",
      "create aws:sfn/stateMachine:StateMachine events-checkout",
      "create aws:ec2/natGateway:NatGateway network-outside-1",
      "create aws:lambda/invocation:Invocation migrations-ledger",
      "create aws:lb/listener:Listener balancer-orders",
      "create aws:ecs/service:Service core-orders-service",
      "create aws:ecs/service:Service core-reportJob-service",
      "create aws:appautoscaling/policy:Policy core-reportJob-backlog",
    ])
      expect(steps).toContain(step);
    expect(inCloud(engine)).toEqual([]);
  });

  test("an up that fails half way is resumed by the next, which makes the rest", async () => {
    const failed = await pulumi("up", {
      SPILLWAY_SIMULATED_FAULT: "fail create aws:apigatewayv2/stage:Stage",
    });
    expect(failed.code).not.toBe(0);
    const before = made();
    expect(before.length).toBeGreaterThan(10);
    const resumed = await pulumi("up");
    expect(resumed.code).toBe(0);
    expect(resumed.changes.create).toBeGreaterThan(0);
    expect(resumed.changes).not.toHaveProperty("replace");
    expect(made()).toEqual(expect.arrayContaining([...before]));
  });

  test("a second up changes nothing", async () => {
    expect(Object.keys((await pulumi("up")).changes)).toEqual(["same"]);
  });

  test("a config change is exactly the expected diff", async () => {
    configure(/spillway:logRetentionDays: .*/, "spillway:logRetentionDays: 7");
    const { steps } = await pulumi("preview");
    expect(steps.length).toBeGreaterThan(1);
    expect(
      steps.filter(
        (step) =>
          !/^update (aws:cloudwatch\/logGroup:LogGroup .*: retentionInDays|aws:s3\/\S+ (balancer|sockets)-logs\S*: rules\S*)$/.test(
            step,
          ),
      ),
    ).toEqual([]);
    const { changes } = await pulumi("up");
    expect(changes.update).toBe(steps.length);
  });

  test("one line of config moves a workload to a container and back, and no queue is touched", async () => {
    const good = readFileSync(config, "utf8");
    configure(/^config:$/m, "config:\n  spillway:placement: { fulfil: container }");
    const there = await pulumi("up");
    writeFileSync(config, good);
    const back = await pulumi("up");
    expect([there.code, back.code]).toEqual([0, 0]);
    const moved = (how: string) => new RegExp(`^${how} \\S+ events-fulfil(-[a-z]+)?$`);
    for (const [{ steps }, how] of [
      [there, "delete"],
      [back, "create"],
    ] as const) {
      expect(steps).toContain(`${how} aws:lambda/function:Function events-fulfil-function`);
      expect(steps).toContain(
        `${how === "delete" ? "create" : "delete"} aws:ecs/service:Service core-fulfil-service`,
      );
      const others = steps.filter((step) => !moved(how).test(step));
      // It is in the image of all, which are told of the new one; its rows on the dashboard, and its
      // logs in what starts tasks, come and go with it.
      const expected =
        /^(update pulumi:pulumi:Stack |\w+ \S+ core-fulfil\b|\S+ aws:ecs\/\w+:(TaskDefinition core-(orders|graphql|presence|reportJob)-task|Service core-(orders|graphql|presence|reportJob)-service)\b)/;
      expect(others.filter((step) => !expected.test(step)).sort()).toEqual([
        "update aws:cloudwatch/dashboard:Dashboard watch: dashboardBody",
        "update aws:iam/rolePolicy:RolePolicy core-execution-policy: policy",
      ]);
      expect(steps.filter((step) => step.includes("aws:sqs/"))).toEqual([]);
    }
  });

  test("no secret stands in the state or in what was printed", () => {
    expect(stateText(engine, "spillway", "dev")).toContain("ciphertext");
    expect(printed).toContain("SecretVersion");
    for (const secret of system.secrets.map((name) => `placeholder-${name}`)) {
      expect(stateText(engine, "spillway", "dev")).not.toContain(secret);
      expect(printed).not.toContain(secret);
    }
  });

  test("a refresh finds what was deleted elsewhere, and an up puts it back", async () => {
    const lost = inCloud(engine).find((file) => /routeresponse|\broute\b/i.test(file));
    rmSync(join(engine.cloud, lost ?? "no route in the cloud"));
    expect((await pulumi("refresh")).changes.delete).toBe(1);
    expect((await pulumi("up")).changes.create).toBe(1);
  });

  test("bad config is one clear message, before any resource is made", async () => {
    const good = readFileSync(config, "utf8");
    configure(
      /spillway:logRetentionDays: .*/,
      "spillway:logRetentionDays: 8\n  spillway:clod: aws",
    );
    const { code, text, steps } = await pulumi("preview");
    writeFileSync(config, good);
    expect(code).not.toBe(0);
    expect(text).toContain('key \\"clod\\" is unknown; use one of cloud,');
    expect(text).toContain('logRetentionDays \\"8\\"; CloudWatch Logs takes 1, 3, 5,');
    expect(text).not.toMatch(/\bat .*\.ts:\d+/);
    expect(steps.filter((step) => step.includes(" aws:"))).toEqual([]);
  });

  test("so are a host that cannot be deployed yet, and a secret in plain text", async () => {
    const good = readFileSync(config, "utf8");
    const refusal = async (change: (yaml: string) => string) => {
      writeFileSync(config, change(good));
      const { code, text, steps } = await pulumi("preview");
      writeFileSync(config, good);
      expect(code).not.toBe(0);
      expect(steps.filter((step) => step.includes(" aws:"))).toEqual([]);
      return text;
    };
    const placed = "config:\n  spillway:placement:\n    users: function-image";
    expect(await refusal((yaml) => yaml.replace("config:", placed))).toContain(
      'Placement \\"users\\": it is placed on function-image, and no image is built yet; take it out',
    );
    const plain = await refusal((yaml) =>
      yaml
        .replace(/ {2}spillway:secrets:\n(?: {4}.*\n)+/, "")
        .replace("config:", "config:\n  spillway:secrets:\n    github-webhook: readable-by-all"),
    );
    expect(plain).toContain("'spillway:secrets' must be encrypted as it's secret");
  });

  test("destroy leaves nothing", async () => {
    expect((await pulumi("destroy")).code).toBe(0);
    expect(inCloud(engine)).toEqual([]);
    expect(made()).toEqual([]);
  });
});

interface Event {
  readonly resourcePreEvent?: {
    readonly metadata: {
      readonly op: string;
      readonly type: string;
      readonly urn: string;
      readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
    };
  };
  readonly summaryEvent?: { readonly resourceChanges: Readonly<Record<string, number>> };
}

/** The engine's events, one JSON a line. */
function read(stdout: string): Pick<Run, "changes" | "steps"> {
  const events = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Event);
  const steps = events.flatMap(({ resourcePreEvent }) => {
    const step = resourcePreEvent?.metadata;
    if (!step || ["same", "refresh", "read"].includes(step.op)) return [];
    const diff = Object.keys(step.detailedDiff ?? {});
    const what = `${step.op} ${step.type} ${step.urn.split("::").at(-1)}`;
    return [diff.length > 0 ? `${what}: ${diff.join()}` : what];
  });
  const changes = events.findLast((event) => event.summaryEvent)?.summaryEvent?.resourceChanges;
  return { changes: changes ?? {}, steps };
}
