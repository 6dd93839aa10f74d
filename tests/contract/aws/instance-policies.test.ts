import { describe, expect, it } from "vitest";
import { parliamentFindings } from "../../../tools/parliament.ts";
import { runLive, workers } from "../../components/aws/socket-fixtures.ts";

/** Another hand's judgement of what instances and their tasks may do. */
describe("parliament", () => {
  it("finds nothing in the roles of instances, of their tasks, and of what starts these", async () => {
    const graph = await runLive({
      workloads: [],
      workers,
      core: { capacity: { report: { on: "ec2" } } },
    });
    const documents = graph
      .all("aws:iam/rolePolicy:RolePolicy")
      .map(({ name }) => [name, JSON.stringify(graph.policy(name))] as const);
    expect(documents.map(([name]) => name)).toEqual(
      expect.arrayContaining(["core-classify-on-policy", "core-execution-policy"]),
    );
    expect(await parliamentFindings(Object.fromEntries(documents))).toEqual([]);
  });
});
