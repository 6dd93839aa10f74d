import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { broadReason } from "../../../components/aws/permissions.ts";
import { bundled } from "../../../components/shared/bundling.ts";
import { deadLetters } from "../../../runtime/adapters/aws/dead-letters.ts";
import { queue } from "../../../runtime/adapters/aws/queue.ts";
import { queueConsumer } from "../../../runtime/adapters/aws/queue-consumer.ts";
import { deadLettersEnv, sourceOf, sourceQueueEnv } from "../../../spec/index.ts";
import { system } from "../../../system.ts";
import { deployment } from "../../components/aws/storefront.ts";
import type { Statement } from "../../components/harness.ts";
import { type Need, recorder } from "../recording.ts";
import { type Receiver, startReceiver } from "../suites/receiver.ts";
import { called } from "./least-privilege/called.ts";
import { type Deployed, deploy } from "./least-privilege/deployed.ts";
import { type Clients, clientsOf, emulate } from "./least-privilege/emulated.ts";
import { keys, type Scenario, type WorkloadName } from "./least-privilege/scenario.ts";
import { started } from "./least-privilege/started.ts";
import { recordedPorts, type World, worldOf } from "./least-privilege/world.ts";

/** Sids of what the platform needs to run any function: logs and traces, no call of the workload. */
const platform = ["Logs", "Traces"];
/** Sids of what takes events from their source, and sets aside what no delivery can help. */
const feeding = ["Source", "ChangeFeeds", "DeadLetters"];

/**
 * What polls for a function, with the function's role (AWS managed policies
 * AWSLambdaSQSQueueExecutionRole, AWSLambdaKinesisExecutionRole and AWSLambdaDynamoDBExecutionRole,
 * read 2026-11; of Kinesis without what other consumers need).
 */
const polling = {
  queue: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
  stream: [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
  ],
  changes: ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
} as const;

const { functions, workers, left } = deployment;
const deployed = [...functions, ...workers];
const scenarios = Object.entries({ ...called, ...started }) as unknown as readonly (readonly [
  WorkloadName,
  Scenario<WorkloadName>,
])[];

/**
 * Each workload does all that it can against the emulator, every SDK call recorded: actions and
 * resources of those calls are its policy, none missing and none to spare.
 */
describe("least privilege", () => {
  const clients = clientsOf();
  const seen = recorder();
  const recorded: Clients = clientsOf();
  for (const client of Object.values(recorded)) seen.plugin(client);
  let others: Receiver;
  let world: World;
  let graph: Awaited<ReturnType<typeof deploy>>["graph"];
  let of: (workload: string) => Promise<Deployed>;

  beforeAll(async () => {
    others = await startReceiver();
    // Slack reads the status, the payment provider's clients the JSON.
    others.answer = (_, response) => {
      response.writeHead(201, { "content-type": "application/json" });
      response.end('{"id":"ch_1","status":"succeeded"}');
    };
    const answers = await emulate(clients, { ...keys, "slack-url": `${others.url}/slack` });
    world = worldOf(answers, clients, seen);
    ({ graph, deployed: of } = await deploy(answers, clients.sfn));
  });
  afterAll(async () => {
    for (const client of [...Object.values(clients), ...Object.values(recorded)]) client.destroy();
    await others.close();
  });

  it("is shown for every workload that is deployed", () => {
    expect(scenarios.map(([name]) => name).sort()).toEqual([...deployed].sort());
  });

  it("leaves out no workload but one that needs what is inside a network, or a scanner", () => {
    const absent = bundled(system).filter((name) => !deployed.includes(name));
    const because = absent.map((name) => left.find((each) => each.name === name)?.because);
    for (const reason of because) expect(reason).toMatch(/^it uses (sql|cache|scanner) /);
  });

  for (const [workload, run] of scenarios)
    it(`${workload} may do what it does, and nothing else`, async () => {
      const { environment, statements } = await of(workload);
      const ports = await recordedPorts(workload, environment, recorded, others);
      seen.clear();
      await run(ports as never, world);
      const own = statements.filter(({ Sid = "" }) => ![...platform, ...feeding].includes(Sid));
      expect(differenceOf(seen.calls(), own)).toEqual({ missing: [], toSpare: [] });
    });

  describe("of what feeds a workload", () => {
    const sources = deployed.map((name) => [name, sourceOf(system, name)] as const);
    const fed = sources.filter(([, source]) => source !== undefined);
    const about = async (workload: string, ...sids: readonly string[]) =>
      (await of(workload)).statements.filter(({ Sid = "" }) => sids.includes(Sid));

    it.each(functions.filter((name) => !sourceOf(system, name)))(
      "%s, which is called, needs nothing",
      async (workload) => {
        expect(await about(workload, ...feeding)).toEqual([]);
        expect((await of(workload)).environment).not.toHaveProperty(deadLettersEnv);
      },
    );

    it.each(fed.filter(([name]) => functions.includes(name)))(
      "%s may be fed from its source, and from no other",
      async (workload, source) => {
        const { reads = "" } = await of(workload);
        const expected = polling[source?.via ?? "queue"].map((action) => `${action} ${reads}`);
        // Feeds are listed before there is one: of this table, whenever it was made.
        if (source?.via === "changes")
          expected.push(`dynamodb:ListStreams ${reads.replace(/[^/]+$/, "*")}`);
        const granted = await about(workload, "Source", "ChangeFeeds");
        expect(granted.flatMap(linesOf).sort()).toEqual(expected.sort());
      },
    );

    it.each(fed.filter(([name]) => functions.includes(name)))(
      "%s may set aside where its dead letters are, and send nowhere else",
      async (workload) => {
        const location = (await of(workload)).environment[deadLettersEnv] ?? "";
        seen.clear();
        await deadLetters({ name: workload, location, client: recorded.sqs }).setAside("{}", "bad");
        const granted = await about(workload, "DeadLetters");
        expect(differenceOf(seen.calls(), granted)).toEqual({ missing: [], toSpare: [] });
      },
    );

    it.each(workers)(
      "%s, on a container, may consume its queue, and no other",
      async (workload) => {
        const location = (await of(workload)).environment[sourceQueueEnv] ?? "";
        const options = { name: workload, location };
        const sender = queue({ ...options, client: clients.sqs });
        for (const body of [1, 2]) await sender.send(body);
        seen.clear();
        const consumer = queueConsumer({ ...options, client: recorded.sqs });
        const [first, second] = await consumer.receive(2, 0);
        await first?.extend(60);
        await first?.done();
        await second?.reject("bad");
        const granted = await about(workload, ...feeding);
        expect(differenceOf(seen.calls(), granted)).toEqual({ missing: [], toSpare: [] });
      },
    );
  });

  it("has a wildcard only where the service has none finer, each with its reason", async () => {
    const roles = graph.all("aws:iam/rolePolicy:RolePolicy");
    const consumers = await Promise.all(workers.map(of));
    const statements = [
      ...roles.flatMap(({ name }) => graph.policy(name).Statement),
      ...consumers.flatMap((consumer) => consumer.statements),
    ];
    const broad = statements.filter((each) => linesOf(each).some((line) => line.includes("*")));
    expect(broad.length).toBeGreaterThan(0);
    expect(broad.filter(({ Sid = "" }) => !broadReason(Sid)).map(({ Sid }) => Sid)).toEqual([]);
    expect(statements.filter(({ Action }) => Action.join().includes("*"))).toEqual([]);
  });
});

/** What a statement allows, as `action resource`. */
const linesOf = ({ Action, Resource }: Statement): string[] =>
  Action.flatMap((action) => Resource.map((resource) => `${action} ${resource}`));

/** What was needed and is not allowed, and what is allowed and was not needed. */
function differenceOf(needs: readonly Need[], statements: readonly Statement[]) {
  const needed = needs.map(({ action, resource }) => `${action} ${resource}`);
  const allowed = statements.flatMap(linesOf);
  return {
    missing: needed.filter((need) => !allowed.some((pattern) => covers(pattern, need))),
    toSpare: allowed.filter((pattern) => !needed.some((need) => covers(pattern, need))),
  };
}

/** As IAM matches: "*" is any text. */
const covers = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replace(/[^\w*]/g, "\\$&").replaceAll("*", ".*")}$`, "s").test(text);
