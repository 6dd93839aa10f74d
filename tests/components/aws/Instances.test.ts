import { beforeAll, describe, expect, test } from "vitest";
import { instanceFaults, sizeOf } from "../../../components/aws/instance-plan.ts";
import { broadReason } from "../../../components/aws/permissions.ts";
import type { Capacity } from "../../../components/aws/scaling-plan.ts";
import { onMessage } from "../../../spec/index.ts";
import type { Graph } from "../harness.ts";
import { load } from "./fixtures.ts";
import { type LiveOptions, live, runLive, workers } from "./socket-fixtures.ts";

const type = {
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  group: "aws:autoscaling/group:Group",
  image: "awsx:ecr:Image",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  provider: "aws:ecs/capacityProvider:CapacityProvider",
  providers: "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
  service: "aws:ecs/service:Service",
  target: "aws:appautoscaling/target:Target",
  task: "aws:ecs/taskDefinition:TaskDefinition",
  template: "aws:ec2/launchTemplate:LaunchTemplate",
} as const;

/** Reports on instances of Graviton, half of them on Spot; labels on a GPU. */
const onInstances: LiveOptions = {
  workloads: [],
  workers,
  core: { capacity: { report: { on: "ec2", spot: 50, max: 6 } } },
};
const both = ["core-classify-on", "core-report-on"] as const;

let graph: Graph<unknown>;
beforeAll(async () => {
  graph = await runLive(onInstances);
});
const template = (name: string) => graph.find(type.template, `${name}-template`).inputs;
const task = (workload: string, of = graph) => {
  const { containerDefinitions, ...inputs } = of.find(type.task, `core-${workload}-task`).inputs;
  return { inputs, container: JSON.parse(containerDefinitions)[0] };
};

describe("instances", () => {
  test("run Amazon's images for ECS, found as they start, so that a newer one changes no stack", () => {
    expect(both.map((name) => [template(name).instanceType, template(name).imageId])).toEqual([
      [
        "g5.xlarge",
        "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id",
      ],
      [
        "m7g.large",
        "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id",
      ],
    ]);
  });

  test("answer metadata requests with a token only, and none from further than themselves", () => {
    for (const name of both) {
      expect(template(name).metadataOptions).toMatchObject({
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
      });
      const settings = Buffer.from(template(name).userData, "base64").toString();
      expect(settings).toContain("ECS_CLUSTER=shop-dev-core\n");
      expect(settings).toContain("ECS_AWSVPC_BLOCK_IMDS=true\n");
    }
  });

  test("have encrypted disks, and no public address", () => {
    for (const name of both) {
      expect(template(name).blockDeviceMappings[0].ebs).toMatchObject({ encrypted: "true" });
      expect(template(name).networkInterfaces).toEqual([
        expect.objectContaining({
          associatePublicIpAddress: "false",
          securityGroups: [`${name}-group-id`],
        }),
      ]);
      expect(graph.find(type.group, name).inputs.vpcZoneIdentifiers).toEqual([
        "network-inside-1-id",
        "network-inside-2-id",
      ]);
    }
  });

  test("are let into by nobody, and go out to HTTPS alone", () => {
    for (const name of both) {
      const of = (rules: string) =>
        graph.all(rules).filter(({ inputs }) => inputs.securityGroupId === `${name}-group-id`);
      expect(of(type.ingress)).toEqual([]);
      expect(of(type.egress).map(({ inputs }) => inputs.fromPort)).toEqual([443, 443]);
    }
  });

  test("need no NAT where there is a door to all that they call", async () => {
    const closed = await runLive({
      ...onInstances,
      network: { nat: "none", endpoints: ["agent", "registry", "logs", "queue"] },
    });
    expect(closed.all(type.egress).filter(({ inputs }) => inputs.cidrIpv4)).toEqual([]);
    await expect(
      runLive({
        ...onInstances,
        network: { nat: "none", endpoints: ["registry", "logs", "queue"] },
      }),
    ).rejects.toThrow("which has no door to agent; give network.endpoints: [agent]");
  });

  test("may register with their own cluster, and nothing else: neither images nor logs", () => {
    for (const name of both) {
      const statements = graph.policy(`${name}-policy`).Statement;
      expect(statements.map(({ Sid }) => Sid)).toEqual([
        "Cluster",
        "ContainerInstances",
        "AgentEndpoint",
      ]);
      expect(statements[1]).toMatchObject({
        Resource: ["arn:aws:ecs:eu-central-1:123456789012:container-instance/shop-dev-core/*"],
        Condition: {
          ArnEquals: {
            "ecs:cluster": "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-dev-core",
          },
        },
      });
      for (const { Sid = "", Resource, Action } of statements) {
        expect(Action.filter((action) => !/^ecs:\w+$/.test(action))).toEqual([]);
        if (Resource.some((resource) => resource.endsWith("*")))
          expect([Sid, broadReason(Sid)]).not.toContain(undefined);
      }
    }
  });
});

describe("their number", () => {
  test("is none where nothing runs, and ECS's own to change", () => {
    for (const name of both) {
      expect(graph.find(type.group, name).inputs).toMatchObject({
        minSize: 0,
        protectFromScaleIn: true,
        tags: expect.arrayContaining([
          { key: "AmazonECSManaged", value: "true", propagateAtLaunch: true },
        ]),
      });
      expect(graph.find(type.provider, name).inputs.autoScalingGroupProvider).toMatchObject({
        managedScaling: { status: "ENABLED", targetCapacity: 100 },
        managedTerminationProtection: "ENABLED",
        managedDraining: "ENABLED",
      });
    }
  });

  test("is enough for the most tasks, twice while a service is deployed", () => {
    expect(graph.find(type.group, "core-report-on").inputs.maxSize).toBe(12);
  });

  test("has the share on Spot that the stack says", () => {
    const mixed = (name: string) =>
      graph.find(type.group, name).inputs.mixedInstancesPolicy.instancesDistribution;
    expect(mixed("core-report-on")).toMatchObject({ onDemandPercentageAboveBaseCapacity: 50 });
    expect(mixed("core-classify-on")).toMatchObject({ onDemandPercentageAboveBaseCapacity: 100 });
  });

  test("follows the backlog from none and back, with a GPU too", () => {
    expect(graph.find(type.target, "core-classify-scaling").inputs.minCapacity).toBe(0);
    expect(graph.find(type.alarm, "core-classify-wake").inputs.alarmActions).toHaveLength(1);
  });
});

describe("a task on instances", () => {
  test("is started by its service's own capacity provider, which the cluster has", () => {
    const names = ["shop-dev-core-classify-on", "shop-dev-core-report-on"];
    expect(graph.find(type.providers).inputs.capacityProviders).toEqual([
      "FARGATE",
      "FARGATE_SPOT",
      ...names,
    ]);
    for (const workload of workers)
      expect(
        graph.find(type.service, `core-${workload}-service`).inputs.capacityProviderStrategies,
      ).toEqual([{ capacityProvider: `shop-dev-core-${workload}-on`, base: 1, weight: 100 }]);
  });

  test("has an address and a group of its own, and is as closed as any other", () => {
    for (const workload of workers) {
      expect(task(workload)).toMatchObject({
        inputs: { requiresCompatibilities: ["EC2"], networkMode: "awsvpc" },
        container: {
          readonlyRootFilesystem: true,
          linuxParameters: { capabilities: { drop: ["ALL"] } },
        },
      });
      expect(
        graph.find(type.service, `core-${workload}-service`).inputs.networkConfiguration,
      ).toMatchObject({
        securityGroups: [`core-${workload}-group-id`],
        assignPublicIp: false,
      });
    }
  });

  test("with a GPU takes it, and the CPU beside it, from the image with CUDA", () => {
    expect(task("classify")).toMatchObject({
      inputs: { runtimePlatform: { cpuArchitecture: "X86_64" }, cpu: "4096", memory: "4096" },
      container: { resourceRequirements: [{ type: "GPU", value: "1" }] },
    });
    expect(task("classify").container.image).toContain("shop-dev-gpu-image@sha256:def456");
    expect(task("report").container.image).toContain("shop-dev-image@sha256:abc123");
    expect(task("report").container).not.toHaveProperty("resourceRequirements");
  });

  test("without a GPU runs on Fargate unless the stack says otherwise", async () => {
    const usual = await runLive({ workloads: [], workers });
    expect(task("report", usual).inputs.requiresCompatibilities).toEqual(["FARGATE"]);
    expect(usual.all(type.group).map(({ name }) => name)).toEqual(["core-classify-on"]);
  });
});

describe("images", () => {
  test("are one for each kind of machine, by their contents, and both may be pulled", () => {
    expect(graph.all(type.image).map(({ inputs }) => [inputs.platform, inputs.imageTag])).toEqual([
      ["linux/amd64", "def456"],
      ["linux/arm64", "abc123"],
    ]);
    const image = graph.policy("core-execution-policy").Statement[1];
    expect(image?.Resource).toEqual([
      "arn:aws:ecr:eu-central-1:123456789012:repository/shop-dev-image",
      "arn:aws:ecr:eu-central-1:123456789012:repository/shop-dev-gpu-image",
    ]);
  });
});

describe("what an instance type has", () => {
  test.each([
    ["m7g.large", { vCpu: 2, memoryMb: 8_192, gpu: false }],
    ["c8gn.4xlarge", { vCpu: 16, memoryMb: 32_768, gpu: false }],
    ["r6gd.medium", { vCpu: 1, memoryMb: 8_192, gpu: false }],
    ["t4g.medium", { vCpu: 2, memoryMb: 4_096, gpu: false }],
    ["g4dn.xlarge", { vCpu: 4, memoryMb: 16_384, gpu: true }],
    ["g5.2xlarge", { vCpu: 8, memoryMb: 32_768, gpu: true }],
  ])("%s", (name, size) => {
    expect(sizeOf(name)).toEqual(size);
  });

  test.each([
    "m5.large",
    "g5g.xlarge",
    "g4ad.xlarge",
    "g5.12xlarge",
    "m7g.metal",
    "t4g.micro",
    "x",
  ])("is not known of %s, which no image is for", (name) => {
    expect(sizeOf(name)).toBeUndefined();
  });
});

describe("what cannot run is refused, with what to do", () => {
  const { classify, report } = live.workloads;
  const huge = onMessage({ code: "c", queue: "q", gpu: true, load: { ...load, memoryMb: 40_000 } });
  test.each<[string, Parameters<typeof instanceFaults>[0], Capacity, string]>([
    ["no such launcher", report, { on: "cloud" }, 'capacity.on "cloud"; use one of fargate, ec2'],
    ["a GPU on Fargate", classify, { on: "fargate" }, 'capacity.on "fargate" has none of'],
    ["a type without instances", report, { instanceType: "m7g.large" }, 'say capacity.on "ec2"'],
    [
      "x86 without a GPU",
      report,
      { on: "ec2", instanceType: "m5.large" },
      "does not run the arm64 image",
    ],
    [
      "no GPU where one is needed",
      classify,
      { instanceType: "m7g.large" },
      "has not one GPU from NVIDIA",
    ],
    [
      "a GPU that nobody needs",
      report,
      { on: "ec2", instanceType: "g5.xlarge" },
      "does not run the arm64 image",
    ],
    [
      "more than an instance has",
      huge,
      {},
      "has 4 vCPUs and 14745 MB for tasks, under the 4 and 40000 of one; use a larger one",
    ],
  ])("%s", (_, workload, capacity, message) => {
    expect(instanceFaults(workload, capacity)).toEqual([expect.stringContaining(message)]);
  });

  test("a GPU without its image", async () => {
    await expect(
      runLive({ workloads: [], workers, core: { gpuImage: undefined } }),
    ).rejects.toThrow('workload "classify": no image with CUDA is given; give gpuImage');
  });
});
