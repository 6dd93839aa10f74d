import { describe, expect, it } from "vitest";
import { parliamentFindings } from "../../../tools/parliament.ts";
import { storefront } from "../../components/aws/fixtures.ts";

const policy = (...statements: object[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** Another hand's judgement of our policies. */
describe("parliament", () => {
  it("finds nothing in the policies of storefront's functions", async () => {
    const graph = await storefront();
    const names = graph.all("aws:iam/rolePolicy:RolePolicy").map(({ name }) => name);
    expect(names.length).toBeGreaterThan(5);
    const documents = names.map((name) => [name, JSON.stringify(graph.policy(name))]);
    expect(await parliamentFindings(Object.fromEntries(documents))).toEqual([]);
  });

  it("finds a misspelt action, and one on a resource that it is not for", async () => {
    const findings = await parliamentFindings({
      misspelt: policy({ Effect: "Allow", Action: ["s3:GetObjec"], Resource: ["*"] }),
      mismatch: policy({ Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::b"] }),
    });
    expect(findings.join("\n")).toMatch(/misspelt: .*UNKNOWN_ACTION/);
    expect(findings.join("\n")).toMatch(/mismatch: .*RESOURCE_MISMATCH/);
  });
});
