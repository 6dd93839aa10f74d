import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { runUnderMocks } from "./harness.ts";

const queueType = "aws:sqs/queue:Queue";

class Pair extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;
  constructor(name: string, args: { password?: pulumi.Input<string> } = {}) {
    super("test:index:Pair", name);
    const first = new aws.sqs.Queue(`${name}-first`, {}, { parent: this });
    const second = new aws.sqs.Queue(
      `${name}-second`,
      { tags: { first: first.arn, ...(args.password && { password: args.password }) } },
      { parent: this, protect: true },
    );
    this.url = second.url;
    this.registerOutputs({ url: this.url });
  }
}

describe("the graph", () => {
  test("holds every resource with inputs, parent, dependencies and protection", async () => {
    const graph = await runUnderMocks(() => new Pair("pair"));
    const second = graph.find(queueType, "pair-second");
    expect(second.inputs.tags.first).toBe("arn:aws:sqs:eu-central-1:123456789012:pair-first");
    expect(graph.parent(second)?.type).toBe("test:index:Pair");
    expect(graph.dependencies(second).map((r) => r.name)).toEqual(["pair-first"]);
    expect(second.protect).toBe(true);
    expect(graph.children(graph.find("test:index:Pair")).map((r) => r.name)).toEqual([
      "pair-first",
      "pair-second",
    ]);
  });

  test("says which provider a resource was given", async () => {
    const graph = await runUnderMocks(() => {
      const provider = new aws.Provider("mine", { region: "eu-west-1" });
      new aws.sqs.Queue("given", {}, { provider });
      new aws.sqs.Queue("default");
    });
    const providers = graph.all(queueType).map(({ name, provider }) => [name, provider]);
    expect(Object.fromEntries(providers)).toEqual({ given: "mine", default: undefined });
  });

  test("hands back what the program returned", async () => {
    const graph = await runUnderMocks(() => new Pair("pair"));
    const url = await new Promise((resolve) => graph.result.url.apply(resolve));
    expect(url).toContain("/pair-second");
  });

  test("unwraps secrets and says where they were", async () => {
    const graph = await runUnderMocks(() => new Pair("p", { password: pulumi.secret("hush") }));
    const { inputs, secrets } = graph.find(queueType, "p-second");
    expect(inputs.tags.password).toBe("hush");
    expect(secrets).toEqual(["tags.password"]);
  });

  test("says what there is when a resource is not found", async () => {
    const graph = await runUnderMocks(() => new Pair("pair"));
    expect(() => graph.find(queueType, "third")).toThrow("pair-first, pair-second");
    expect(() => graph.find(queueType)).toThrow("2 × aws:sqs/queue:Queue (any)");
    expect(() => graph.find("aws:sns/topic:Topic")).toThrow(queueType);
    expect(() => graph.policy("pair-first")).toThrow("there are: none");
  });

  test("parses policy documents and makes their single values lists", async () => {
    const Statement = { Effect: "Allow", Action: "sqs:SendMessage", Resource: "arn:x" };
    const graph = await runUnderMocks(() => {
      const document = pulumi.jsonStringify({ Version: "2012-10-17", Statement });
      new aws.sqs.QueuePolicy("policy", { queueUrl: "url", policy: document });
    });
    expect(graph.policy("policy").Statement).toEqual([
      { Effect: "Allow", Action: ["sqs:SendMessage"], Resource: ["arn:x"] },
    ]);
  });

  test("collects log messages instead of printing them", async () => {
    const graph = await runUnderMocks(() => pulumi.log.warn("no code yet"));
    expect(graph.logs).toEqual([{ severity: "warning", message: "no code yet" }]);
  });
});

describe("settings of a run", () => {
  const program = () => {
    const config = new pulumi.Config("shop");
    return {
      retention: config.requireNumber("retention"),
      list: config.requireObject<string[]>("list"),
      token: config.requireSecret("token"),
      where: `${pulumi.getProject()}/${pulumi.getStack()}/${pulumi.getOrganization()}`,
    };
  };
  const options = {
    config: { "shop:retention": 7, "shop:list": ["a"], "shop:token": "hush" },
    secretConfig: ["shop:token"],
    project: "shop",
    stack: "dev",
    organization: "acme",
  };

  test("config, project, stack and organization are the run's", async () => {
    const { result } = await runUnderMocks(program, options);
    expect(result).toMatchObject({ retention: 7, list: ["a"], where: "shop/dev/acme" });
    expect(await pulumi.isSecret(result.token)).toBe(true);
  });

  test("stack references answer what is given, and refuse others by name", async () => {
    const read = (name: string) => () =>
      new aws.sqs.Queue("q", {
        tags: { vpc: new pulumi.StackReference(name).requireOutput("vpcId") },
      });
    const stackReferences = { "acme/net/dev": { vpcId: "vpc-1" } };
    const graph = await runUnderMocks(read("acme/net/dev"), { stackReferences });
    expect(graph.find(queueType, "q").inputs.tags.vpc).toBe("vpc-1");
    await expect(runUnderMocks(read("acme/net/prod"), { stackReferences })).rejects.toThrow(
      'StackReference "acme/net/prod"',
    );
  });

  test("an invoke without an answer is refused, one with an answer is given it", async () => {
    const program = () =>
      new aws.sqs.Queue("q", { tags: { account: aws.getCallerIdentityOutput().accountId } });
    await expect(runUnderMocks(program)).rejects.toThrow("getCallerIdentity");
    const graph = await runUnderMocks(program, { invoke: () => ({ accountId: "42" }) });
    expect(graph.find(queueType, "q").inputs.tags.account).toBe("42");
  });

  test("outputs of a resource can be set", async () => {
    const graph = await runUnderMocks(() => new Pair("pair"), {
      outputs: ({ name }) => (name === "pair-first" ? { arn: "arn:mine" } : undefined),
    });
    expect(graph.find(queueType, "pair-second").inputs.tags.first).toBe("arn:mine");
  });

  test("runs do not see each other, not even at the same time", async () => {
    const run = (stack: string) =>
      runUnderMocks(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          new aws.sqs.Queue(`${pulumi.getStack()}-${new pulumi.Config("a").require("b")}`);
        },
        { stack, config: { "a:b": stack } },
      );
    const graphs = await Promise.all(["one", "two", "three"].map(run));
    expect(graphs.map((graph) => graph.find(queueType).name)).toEqual([
      "one-one",
      "two-two",
      "three-three",
    ]);
  });
});

describe("nothing fails in silence", () => {
  const arn = () => new aws.sqs.Queue("q").arn;
  const fail = () => {
    throw new Error("in apply");
  };

  test("an error of the program rejects", async () => {
    await expect(runUnderMocks(fail)).rejects.toThrow("in apply");
  });

  test("an error in an apply that nobody awaits rejects", async () => {
    await expect(runUnderMocks(() => void arn().apply(fail))).rejects.toThrow("in apply");
  });

  test("an error in a late, asynchronous apply rejects", async () => {
    const late = () =>
      void arn().apply(async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        fail();
      });
    await expect(runUnderMocks(late)).rejects.toThrow("in apply");
  });

  test("an error in an input of a resource rejects", async () => {
    const program = () => void new aws.sqs.Queue("other", { name: arn().apply(fail) });
    await expect(runUnderMocks(program)).rejects.toThrow("in apply");
  });

  test("a rejected promise that nobody awaits rejects", async () => {
    const program = () => void pulumi.output(Promise.reject(new Error("in a promise")));
    await expect(runUnderMocks(program)).rejects.toThrow("in a promise");
  });

  test("an expectation in an un-awaited apply counts", async () => {
    const program = () => void arn().apply((value) => expect(value).toBe("something else"));
    await expect(runUnderMocks(program)).rejects.toThrow("something else");
  });

  test("resources made inside an apply are waited for", async () => {
    const graph = await runUnderMocks(
      () =>
        void arn().apply((value) =>
          new aws.sqs.Queue("inner", { tags: { value } }).arn.apply(
            () => new aws.sqs.Queue("innermost"),
          ),
        ),
    );
    expect(graph.all(queueType).map((r) => r.name)).toEqual(["inner", "innermost", "q"]);
  });
});
