import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { WorkloadFunction } from "../../../components/aws/Function.ts";
import { Network, type NetworkArgs } from "../../../components/aws/Network.ts";
import { Scanners } from "../../../components/aws/Scanners.ts";
import { clamdCommand } from "../../../components/aws/scanner-plan.ts";
import { defineSystem, http, scanner } from "../../../spec/index.ts";
import { awsInvoke, type Graph, runUnderMocks } from "../harness.ts";
import { code, load, waysOf } from "./fixtures.ts";

const type = {
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  function: "aws:lambda/function:Function",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  name: "aws:servicediscovery/service:Service",
  service: "aws:ecs/service:Service",
  space: "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
  task: "aws:ecs/taskDefinition:TaskDefinition",
} as const;

const system = defineSystem({
  name: "inbox",
  services: { antivirus: scanner(), spare: scanner() },
  workloads: {
    files: http({
      code: "functions/files",
      routes: ["POST /files"],
      auth: "none",
      uses: { antivirus: "scan" },
      load,
    }),
    status: http({ code: "functions/status", routes: ["GET /status"], auth: "none", load }),
  },
});

const made = (workloads: readonly string[] = ["files"], net?: NetworkArgs) =>
  runUnderMocks(
    () => {
      const network = new Network("network", net);
      const { bindings: stores } = new Scanners("scanners", { system, workloads, network });
      new WorkloadFunction("files", { system, workload: "files", artefact: code, network, stores });
    },
    { project: "shop", stack: "dev", invoke: awsInvoke },
  );

describe("a scanner", () => {
  let graph: Graph<unknown>;
  beforeAll(async () => {
    graph = await made();
  });
  const container = () => JSON.parse(graph.find(type.task).inputs.containerDefinitions)[0];

  test("is there where a workload uses it, and no other", () => {
    expect(graph.all(type.service).map(({ name }) => name)).toEqual(["scanners-antivirus-service"]);
  });

  test("runs ClamAV's own image, pinned, without rights, with the memory that signatures take", () => {
    expect(container()).toMatchObject({
      image: expect.stringMatching(/^docker\.io\/clamav\/clamav-debian:\d+\.\d+\.\d+$/),
      user: "clamav",
      privileged: false,
      linuxParameters: { capabilities: { drop: ["ALL"] } },
      portMappings: [{ containerPort: 3310 }],
    });
    expect(graph.find(type.task).inputs).toMatchObject({
      runtimePlatform: { cpuArchitecture: "ARM64" },
      memory: "4096",
    });
    expect(graph.find(type.task).inputs).not.toHaveProperty("taskRoleArn");
  });

  test("starts once the network has its ways out", () => {
    const ways = waysOf(graph);
    expect(ways.length).toBeGreaterThan(0);
    expect(graph.dependencies(graph.find(type.service))).toEqual(expect.arrayContaining(ways));
  });

  test("is well once clamd answers, which takes a while", () => {
    expect(container().healthCheck).toMatchObject({
      command: ["CMD-SHELL", expect.stringContaining("clamdscan --config-file=")],
      startPeriod: 300,
    });
  });

  test("has a name inside the network, which its users are told", () => {
    expect(graph.find(type.space).inputs.name).toBe("shop-dev-scanners.internal");
    expect(graph.find(type.name).inputs).toMatchObject({
      name: "antivirus",
      dnsConfig: { dnsRecords: [{ type: "A", ttl: 10 }] },
    });
    expect(graph.find(type.function).inputs.environment.variables).toMatchObject({
      SPILLWAY_SCANNER_ANTIVIRUS: "antivirus.shop-dev-scanners.internal:3310",
    });
  });

  test("lets in those that use it, and nobody else, and has no public address", () => {
    const into = graph
      .all(type.ingress)
      .filter(({ inputs }) => inputs.securityGroupId === "scanners-antivirus-group-id")
      .map(({ inputs }) => [inputs.referencedSecurityGroupId, inputs.fromPort]);
    expect(into).toEqual([["files-group-id", 3310]]);
    expect(graph.find(type.service).inputs.networkConfiguration.assignPublicIp).toBe(false);
  });

  test("goes out by HTTPS alone, for its image and its signatures", () => {
    const out = graph
      .all(type.egress)
      .filter(({ inputs }) => inputs.securityGroupId === "scanners-antivirus-group-id")
      .map(({ inputs }) => inputs.fromPort);
    expect(out).toEqual([443]);
  });

  test("may be started and log, and nothing else", () => {
    const statements = graph.policy("scanners-antivirus-execution-policy").Statement;
    expect(statements.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        ["arn:aws:logs:eu-central-1:123456789012:log-group:/aws/ecs/shop-dev-scanners-antivirus:*"],
      ],
    ]);
  });
});

describe("what its task runs", () => {
  let said: string;
  let settings: readonly string[];
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-scanner-"));
    for (const program of ["clamd", "freshclam"]) {
      await writeFile(join(folder, program), `#!/bin/sh\necho ${program} "$@"\n`);
      await chmod(join(folder, program), 0o755);
    }
    const command = clamdCommand(3310).replaceAll("/tmp/", `${folder}/`);
    const env = { PATH: `${folder}${delimiter}${process.env.PATH}` };
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", command], { env });
    said = stdout.replaceAll(folder, "");
    settings = (await readFile(join(folder, "clamd.conf"), "utf8")).trim().split("\n");
    await rm(folder, { recursive: true });
  });

  test("is clamd, with freshclam beside it, each with settings of its own", () => {
    expect(said).toContain("clamd --foreground --config-file=/clamd.conf");
    expect(said).toContain(
      "freshclam --daemon --foreground --stdout --config-file=/freshclam.conf",
    );
  });

  test("calls nothing clean that it has not looked at as a whole", () => {
    expect(settings).toContain("AlertExceedsMax yes");
    expect(settings).toContain("TCPSocket 3310");
    for (const line of settings) expect(line).toMatch(/^[A-Z]\w+ \S+$/);
  });
});

describe("what cannot work is refused, with what to do", () => {
  test("a network without a way out", async () => {
    await expect(made(["files"], { nat: "none" })).rejects.toThrow(
      'scanner "antivirus" fetches its image and its signatures from the internet; give network.nat: one',
    );
  });

  test("scanners that nobody uses", async () => {
    await expect(made(["status"])).rejects.toThrow("no workload uses a scanner; leave it out");
  });
});
