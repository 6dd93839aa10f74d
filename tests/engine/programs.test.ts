import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as aws from "@pulumi/aws";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";
import type { PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, openEngine, openStack, stateText } from "../../tools/engine.ts";

/** Small programs, each for one thing that only engine and provider together can show. */
describe("engine and simulated providers together", { timeout: 300_000 }, () => {
  let folder: string;
  let engine: Engine;
  let count = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-programs-"));
    engine = await openEngine(folder, { checkpoints: false });
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const stackOf = (program: PulumiFn): Promise<Stack> =>
    openStack(engine, {
      project: `program-${++count}`,
      program,
      config: { "aws:region": { value: "eu-central-1" } },
    });

  test("a fault of the inputs stops the preview, and names resource and property", async () => {
    const stack = await stackOf(async () => {
      new aws.sqs.Queue("orders", { delaySeconds: 901 });
    });
    await expect(stack.preview()).rejects.toThrow(
      /orders.*delaySeconds.*must be 0 to 900, got 901/s,
    );
  });

  test("default tags of a provider reach every resource, and a change of them too", async () => {
    let owner = "us";
    const stack = await stackOf(async () => {
      const provider = new aws.Provider("aws", {
        region: "eu-west-1",
        defaultTags: { tags: { system: "shop", owner } },
      });
      const queue = new aws.sqs.Queue("orders", { tags: { kind: "inbox" } }, { provider });
      return { tags: queue.tagsAll, arn: queue.arn };
    });
    const { outputs } = await stack.up();
    expect(outputs.tags?.value).toEqual({ system: "shop", owner: "us", kind: "inbox" });
    expect(outputs.arn?.value).toMatch(/^arn:aws:sqs:eu-west-1:123456789012:orders-[0-9a-f]{7}$/);
    owner = "them";
    const changed = await stack.up();
    expect(changed.summary.resourceChanges).toEqual({ same: 1, update: 2 });
    expect(changed.outputs.tags?.value).toMatchObject({ owner: "them" });
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 3 });
    await stack.destroy();
  });

  test("what was changed elsewhere is seen by a refresh and put right by an up", async () => {
    const stack = await stackOf(async () => {
      new aws.sqs.Queue("orders", { delaySeconds: 5 });
    });
    await stack.up();
    const path = join(engine.cloud, "aws-sqs-queue-Queue");
    const file = join(path, readdirSync(path)[0] ?? "");
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace('"delaySeconds": 5', '"delaySeconds": 9'),
    );
    expect((await stack.refresh()).summary.resourceChanges).toEqual({ same: 1, update: 1 });
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 1, update: 1 });
    expect(readFileSync(file, "utf8")).toContain('"delaySeconds": 5');
    await stack.destroy();
  });

  test("awsx's components are made of resources that are checked in their turn", async () => {
    const program = (cidrBlock: string) => async () => {
      const vpc = new awsx.ec2.Vpc("net", {
        cidrBlock,
        numberOfAvailabilityZones: 2,
        natGateways: { strategy: awsx.ec2.NatGatewayStrategy.Single },
      });
      const { url } = new awsx.ecr.Repository("images", {});
      const { imageUri } = new awsx.ecr.Image("app", { repositoryUrl: url, context: "./app" });
      return { subnets: vpc.privateSubnetIds, imageUri };
    };
    const stack = await stackOf(program("10.1.0.0/16"));
    const { outputs, summary } = await stack.up();
    expect(summary.resourceChanges).toEqual({ create: 26 });
    expect(outputs.subnets?.value).toEqual([expect.stringMatching(/^subnet-/), expect.anything()]);
    expect(outputs.imageUri?.value).toMatch(/^123456789012\.dkr\.ecr\..*@sha256:[0-9a-f]{64}$/);
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 26 });
    await stack.destroy();
    const wrong = await stackOf(program("10.1.0.0"));
    await expect(wrong.preview()).rejects.toThrow(
      /awsx:ec2:Vpc "net": 1 to correct.*cidrBlock must be a CIDR/s,
    );
  });

  test("a provider without data refuses its types, with the way to add them", async () => {
    const stack = await stackOf(async () => {
      // By its token, as a package would: docker is here for awsx alone.
      class Network extends pulumi.CustomResource {}
      new Network("docker:index/network:Network", "net", {});
    });
    await expect(stack.preview()).rejects.toThrow(
      /"docker:index\/network:Network" is not in its table/,
    );
  });

  test("values that depend on a secret are secret", async () => {
    const stack = await stackOf(async () => {
      const key = new aws.kms.Key("key", { description: pulumi.secret("whisper") });
      return { description: key.description, plain: key.keyId };
    });
    const { outputs } = await stack.up();
    expect(outputs.description).toEqual({ value: "whisper", secret: true });
    expect(outputs.plain?.secret).toBe(false);
    expect(stateText(engine, `program-${count}`)).not.toContain("whisper");
    await stack.destroy();
  });
});
