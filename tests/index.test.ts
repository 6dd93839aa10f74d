import { describe, expect, test } from "vitest";
import { system } from "../system.ts";
import { awsInvoke, runUnderMocks } from "./components/harness.ts";

const secrets = Object.fromEntries(system.secrets.map((name) => [name, `value-of-${name}`]));

/** The whole program under mocks, as a team would test its own. */
const program = (config: Record<string, unknown> = {}, stack = "dev") =>
  runUnderMocks(() => import("../index.ts"), {
    project: "spillway",
    stack,
    config: { "spillway:secrets": secrets, "aws:region": "eu-central-1", ...config },
    secretConfig: ["spillway:secrets"],
    invoke: awsInvoke,
  });

describe("the program", async () => {
  // A module runs once: so there is one graph, which all tests read.
  const graph = await program({ "spillway:tags": { team: "shop" } });

  test("is components alone under the stack, and a provider", () => {
    const top = graph.children(graph.find("pulumi:pulumi:Stack"));
    expect(top.map(({ type }) => type).sort()).toEqual([
      "pulumi:providers:aws",
      "spillway:aws:Alerts",
      "spillway:aws:Balancer",
      "spillway:aws:Channels",
      "spillway:aws:ContainerCore",
      "spillway:aws:DataStores",
      "spillway:aws:EventPipeline",
      "spillway:aws:Migrations",
      "spillway:aws:Network",
      "spillway:aws:Observability",
      "spillway:aws:ServerlessEdge",
      "spillway:aws:SocketEdge",
      "spillway:aws:UserPool",
      // One for plain tasks, one for those with a GPU.
      "spillway:aws:WorkloadImage",
      "spillway:aws:WorkloadImage",
    ]);
  });

  test("puts default tags and the region on everything, through its provider", () => {
    const { inputs } = graph.find("pulumi:providers:aws", "aws");
    expect(JSON.parse(inputs.defaultTags)).toEqual({
      tags: { team: "shop", system: "storefront", stack: "dev" },
    });
    expect(inputs.region).toBe("eu-central-1");
  });

  test("hands secrets on as secrets only", () => {
    const versions = graph.all("aws:secretsmanager/secretVersion:SecretVersion");
    expect(versions).toHaveLength(system.secrets.length);
    for (const version of versions) expect(version.secrets).toContain("secretString");
    const open = graph.resources.filter(
      ({ type, inputs }) =>
        type !== "aws:secretsmanager/secretVersion:SecretVersion" &&
        JSON.stringify(inputs).includes("value-of-"),
    );
    expect(open).toEqual([]);
    expect(graph.logs.filter(({ message }) => message.includes("value-of-"))).toEqual([]);
  });

  test("gives what a person needs next as outputs", () => {
    const { url, userPoolId, userPoolClientId, placement } = graph.result;
    for (const output of [url, userPoolId, userPoolClientId]) expect(output).toBeDefined();
    expect(placement.users).toMatch(/^users: function, about \$/);
  });

  test("says what it leaves out", () => {
    expect(graph.logs.map(({ message }) => message).join("\n")).toMatch(
      /^Not deployed: scan, it uses scanner "antivirus", which runs where the stack asks for it; say scanner: true/m,
    );
  });
});
