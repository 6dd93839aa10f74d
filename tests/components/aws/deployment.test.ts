import { describe, expect, test } from "vitest";
import { deploymentOf } from "../../../components/aws/deployment.ts";
import type { Host } from "../../../planner/index.ts";
import {
  defineSystem,
  http,
  onMessage,
  queue,
  scanner,
  sql,
  stream,
  workflow,
} from "../../../spec/index.ts";
import { load } from "./fixtures.ts";

const common = { auth: "none", load } as const;
const system = defineSystem({
  name: "mixed",
  stores: { ledger: sql({ migrations: "m" }) },
  channels: { inbox: queue(), clicks: stream() },
  services: { antivirus: scanner() },
  workloads: {
    page: http({ ...common, code: "functions/page", routes: ["GET /page"] }),
    books: http({
      ...common,
      code: "functions/books",
      routes: ["GET /books"],
      uses: { ledger: "read-write" },
    }),
    reads: onMessage({ code: "functions/reads", queue: "inbox", load }),
    counts: onMessage({ code: "functions/counts", stream: "clicks", load }),
    saga: workflow({
      code: "functions/saga",
      steps: [{ name: "scan", timeoutSeconds: 9 }],
      uses: { antivirus: "scan" },
      load,
    }),
    starts: http({
      ...common,
      code: "functions/starts",
      routes: ["POST /starts"],
      uses: { saga: "start" },
    }),
    chain: workflow({
      code: "functions/chain",
      steps: [{ name: "go", timeoutSeconds: 9 }],
      uses: { saga: "start" },
      load,
    }),
    pulls: http({
      ...common,
      code: "functions/pulls",
      routes: ["POST /pulls"],
      uses: { chain: "start" },
    }),
  },
});
type Name = keyof typeof system.workloads;

const divided = (
  hosts: Partial<Record<Name, Host>> = {},
  without: readonly Name[] = [],
  options: { readonly split?: readonly Name[]; readonly scanned?: boolean } = {},
) =>
  deploymentOf(
    system,
    (Object.keys(system.workloads) as Name[]).map((name) => ({
      name,
      host: hosts[name] ?? "function",
    })),
    (name) => !without.includes(name as Name),
    options,
  );
const because = (name: Name, ...args: Parameters<typeof divided>) =>
  divided(...args).left.find((each) => each.name === name)?.because;

describe("what of a system is deployed", () => {
  test("is what runs on functions", () => {
    expect(divided().functions).toEqual(["page", "books", "reads", "counts"]);
  });

  test("is what runs in containers: what a queue starts, and what answers requests", () => {
    const { functions, workers, servers } = divided({ reads: "container", page: "container" });
    expect(functions).toEqual(["books", "counts"]);
    expect([workers, servers]).toEqual([["reads"], ["page"]]);
  });

  test("is what uses a database, on either host", () => {
    expect(divided({ books: "function" }).functions).toContain("books");
    expect(divided({ books: "container" }).servers).toEqual(["books"]);
  });

  test("is a function beside the container, where requests overflow", () => {
    const { functions, servers, twins } = divided({ page: "container-with-overflow" });
    expect(functions).not.toContain("page");
    expect([servers, twins]).toEqual([["page"], ["page"]]);
  });

  test.each<Host>(["function", "container"])("is both while it is split, placed on %s", (host) => {
    const { functions, servers, twins } = divided({ page: host }, [], { split: ["page"] });
    expect(functions).not.toContain("page");
    expect([servers, twins]).toEqual([["page"], ["page"]]);
  });

  test.each<[Name, string, Partial<Record<Name, Host>>]>([
    ["reads", "has no requests that could overflow", { reads: "container-with-overflow" }],
    ["counts", "it is placed on gpu-container", { counts: "gpu-container" }],
    ["counts", "kind onMessage is called as a function", { counts: "container" }],
    ["reads", "no image is built yet", { reads: "function-image" }],
  ])("is not %s where %s", (name, reason, hosts) => {
    expect(because(name, hosts)).toContain(reason);
  });

  test("is nothing without code", () => {
    expect(because("page", {}, ["page"])).toBe("it has no code yet");
  });

  test("is what uses a scanner, once the stack asks for it", () => {
    const { functions } = divided({}, [], { scanned: true });
    expect(functions).toEqual(expect.arrayContaining(["saga", "starts", "chain", "pulls"]));
  });

  test("is nothing that would start a workflow that is left out, however far behind", () => {
    expect(because("saga")).toContain('scanner "antivirus"');
    expect(because("starts")).toBe('it uses workflow "saga", which is left out');
    expect(because("pulls")).toBe('it uses workflow "chain", which is left out');
  });
});
