import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { type Finding, parliamentFindings } from "../../../tools/parliament.ts";
import { wholeStorefront } from "../../components/aws/storefront.ts";

const policy = (...statements: object[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** Where parliament 1.6.4 is mistaken, action by action, and by what it is known. */
const mistakes: Readonly<Record<string, string>> = {
  "RESOURCE_MISMATCH states:DescribeExecution":
    "it asks for the ARN of an express execution as well; ours are of standard machines",
  "RESOURCE_MISMATCH dynamodb:DescribeStream": "it takes the colons of a stream's label for parts",
  "RESOURCE_MISMATCH dynamodb:GetRecords": "it takes the colons of a stream's label for parts",
  "RESOURCE_MISMATCH dynamodb:GetShardIterator":
    "it takes the colons of a stream's label for parts",
  "RESOURCE_MISMATCH dynamodb:ListStreams":
    'it asks for "*"; DynamoDB Developer Guide, "read access for a stream only", 2026: table/…/stream/*',
  "RESOURCE_STAR cloudwatch:DescribeAlarms":
    "composite alarms are told only to who may ask for all (API reference of DescribeAlarms, 2026)",
};

/** Another hand's judgement of our policies. */
describe("parliament", () => {
  let graph: Awaited<ReturnType<typeof wholeStorefront>>;
  let findings: readonly Finding[];
  let judged: readonly string[];
  beforeAll(async () => {
    graph = await wholeStorefront();
    const roles = graph
      .all("aws:iam/rolePolicy:RolePolicy")
      .map(({ name }) => [name, JSON.stringify(graph.policy(name))] as const);
    const consumers = Object.entries(graph.result.consumers).map(
      async ([name, { policy }]) => [`${name}, on a container`, await known(policy)] as const,
    );
    const documents = [...roles, ...(await Promise.all(consumers))];
    judged = documents.map(([name]) => name);
    findings = await parliamentFindings(Object.fromEntries(documents));
  });

  it("judges every role: of functions, schedules, state machines, and consumers on containers", () => {
    const roles = graph.all("aws:iam/role:Role").map(({ inputs }) => inputs);
    const policies = graph.all("aws:iam/rolePolicy:RolePolicy").map(({ inputs }) => inputs.role);
    expect(policies.sort()).toEqual(roles.map(({ name }) => name).sort());
    const services = roles.map(
      ({ assumeRolePolicy }) => JSON.parse(assumeRolePolicy).Statement.Principal.Service,
    );
    expect([...new Set(services)].sort()).toEqual([
      "lambda.amazonaws.com",
      "scheduler.amazonaws.com",
      "states.amazonaws.com",
    ]);
    expect(judged.length).toBe(roles.length + Object.keys(graph.result.consumers).length);
    expect(judged.length).toBeGreaterThan(roles.length);
  });

  it("finds nothing in any of them, but for what it is mistaken in", () => {
    const found = findings.filter((finding) => !subjects(finding).every((each) => mistakes[each]));
    expect(found).toEqual([]);
  });

  it("is mistaken still in all that it is excused for", () => {
    expect([...new Set(findings.flatMap(subjects))].sort()).toEqual(Object.keys(mistakes).sort());
  });

  it("finds a misspelt action, and one on a resource that it is not for", async () => {
    const found = await parliamentFindings({
      misspelt: policy({ Effect: "Allow", Action: ["s3:GetObjec"], Resource: ["*"] }),
      mismatch: policy({ Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::b"] }),
      fine: policy({ Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::b/*"] }),
    });
    const told = found.map(({ policy: name, issue }) => `${name}: ${issue}`).sort();
    expect(told).toEqual(["mismatch: RESOURCE_MISMATCH", "misspelt: UNKNOWN_ACTION"]);
  });
});

/** What a finding is about: each action with the issue, or the issue alone. */
function subjects({ issue, detail }: Finding): readonly string[] {
  const all: readonly unknown[] = Array.isArray(detail) ? detail : [detail];
  return all.map((each) => {
    const action = typeof each === "string" ? each : (each as { action?: string })?.action;
    return action === undefined ? issue : `${issue} ${action}`;
  });
}

const known = <T>(value: pulumi.Input<T>) =>
  (pulumi.output(value) as unknown as { promise(): Promise<T> }).promise();
