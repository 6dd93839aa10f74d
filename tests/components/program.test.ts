import { beforeAll, describe, expect, test } from "vitest";
import { containerEntryFor, type Entry, entryFor } from "../../components/shared/entries.ts";
import { system } from "../../system.ts";
import { withoutFailureDestination } from "./aws/failure-destinations.ts";
import { awsInvoke, type Graph, runUnderMocks } from "./harness.ts";

const values = Object.fromEntries(system.secrets.map((name) => [name, `value-of-${name}`]));
const config = {
  "aws:region": "eu-central-1",
  "spillway:protect": "true",
  "spillway:logRetentionDays": "30",
  "spillway:corsOrigins": ["https://shop.example"],
  "spillway:tags": { team: "shop" },
  "spillway:secrets": values,
};

describe("the program", () => {
  let graph: Graph<typeof import("../../index.ts")>;
  beforeAll(async () => {
    graph = await runUnderMocks(() => import("../../index.ts"), {
      project: "spillway",
      stack: "prod",
      config,
      secretConfig: ["spillway:secrets"],
      invoke: awsInvoke,
    });
    // It bundles all of storefront: half a minute, more on a busy machine.
  }, 180_000);

  test("is made of stores, channels, users, an edge and the event side", () => {
    for (const component of [
      "DataStores",
      "Channels",
      "UserPool",
      "ServerlessEdge",
      "EventPipeline",
    ])
      expect(graph.all(`spillway:aws:${component}`)).toHaveLength(1);
  });

  test("exports what a person needs next", () => {
    expect(Object.keys(graph.result)).toEqual(
      expect.arrayContaining(["url", "userPoolId", "userPoolClientId", "consumers"]),
    );
  });

  test("deploys every workload, or says why not", () => {
    const names = Object.keys(system.workloads);
    const deployed = names.filter((name) => Object.hasOwn(graph.result.placement, name));
    const said = graph.logs.map(({ message }) => message).join("\n");
    expect(deployed.length).toBeGreaterThan(names.length / 2);
    for (const name of names.filter((each) => !deployed.includes(each)))
      expect(said).toMatch(new RegExp(`Not deployed: ${name}, it .{10}`));
  });

  test("runs what is placed on containers in them, inside a network", () => {
    const services = graph.all("spillway:aws:ContainerService").map(({ name }) => name);
    const consumers = Object.keys(graph.result.consumers).map((name) => `core-${name}`);
    expect(consumers.length).toBeGreaterThan(0);
    expect(services).toEqual(expect.arrayContaining(consumers));
    expect(graph.all("spillway:aws:Network")).toHaveLength(1);
  });

  test("sets every variable that what it starts cannot do without", () => {
    const started: readonly (readonly [string, Variables, Entry | string])[] = [
      ...tasksOf(graph).map(([name, set]) => [name, set, containerEntryFor(system, name)] as const),
      ...functionsOf(graph).map(([name, set]) => [name, set, entryFor(system, name)] as const),
    ];
    expect(started.map(([name]) => name).sort()).toEqual(
      Object.keys(graph.result.placement).sort(),
    );
    const missing = started.flatMap(([name, set, entry]) =>
      [...(entry as Entry).code.matchAll(/\benv\("(\w+)"\)/g)]
        .filter(([, variable = ""]) => !set[variable])
        .map(([, variable]) => `${name}: ${variable}`),
    );
    expect(missing).toEqual([]);
  });

  test("has a failure destination for everything that carries events", () => {
    expect(withoutFailureDestination(graph)).toEqual([]);
  });

  test("puts the stack's tags on everything, by its one provider", () => {
    const provider = graph.find("pulumi:providers:aws").inputs;
    expect(JSON.parse(provider.defaultTags).tags).toEqual({
      team: "shop",
      system: "storefront",
      stack: "prod",
    });
    const others = graph.resources.filter(
      ({ type, custom, provider }) => custom && type.startsWith("aws:") && provider !== "aws",
    );
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  test("holds secrets only as secrets", () => {
    const marked = graph.resources.flatMap(({ inputs, secrets, name }) =>
      Object.values(config["spillway:secrets"])
        .filter((value) => JSON.stringify(inputs).includes(value))
        .map(() => [name, secrets]),
    );
    expect(marked).toHaveLength(system.secrets.length);
    for (const [, secrets] of marked) expect(secrets).toEqual(["secretString"]);
  });

  test("follows the stack's config: origins, retention, protection", () => {
    expect(graph.find("aws:apigatewayv2/api:Api").inputs.corsConfiguration.allowOrigins).toEqual([
      "https://shop.example",
    ]);
    expect(Object.fromEntries(tasksOf(graph)).presence).toMatchObject({
      SPILLWAY_ORIGINS: "https://shop.example",
    });
    for (const logs of graph.all("aws:cloudwatch/logGroup:LogGroup"))
      expect(logs.inputs.retentionInDays).toBe(30);
    expect(graph.find("aws:dynamodb/table:Table").protect).toBe(true);
    expect(graph.find("aws:cognito/userPool:UserPool").protect).toBe(true);
  });

  test("lets no policy hold a value that was never resolved", () => {
    for (const { name, inputs } of graph.resources)
      expect([name, JSON.stringify(inputs).includes("undefined")]).toEqual([name, false]);
  });
});

type Variables = Readonly<Record<string, string>>;
type Given = readonly [workload: string, variables: Variables];

/** Variables of the tasks that are started, by workload; what is no workload is left out. */
const tasksOf = (graph: Graph): Given[] =>
  graph.all("aws:ecs/taskDefinition:TaskDefinition").flatMap(({ inputs }) => {
    const [{ name, environment }] = JSON.parse(inputs.containerDefinitions);
    const variables = environment.map((each: { name: string; value: string }) => [
      each.name,
      each.value,
    ]);
    return Object.hasOwn(system.workloads, name) ? [[name, Object.fromEntries(variables)]] : [];
  });

/** The same of functions, which are named after their workload. */
const functionsOf = (graph: Graph): Given[] =>
  graph.all("aws:lambda/function:Function").flatMap(({ name, inputs }): Given[] => {
    const workload = Object.keys(system.workloads).find((each) =>
      name.endsWith(`-${each}-function`),
    );
    return workload ? [[workload, inputs.environment?.variables ?? {}]] : [];
  });
