import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { healthPortEnv, metricsEnv, originsEnv, type Workload } from "../../spec/index.ts";
import { commandOf } from "../shared/image.ts";
import type { Account } from "./account.ts";
import { taskPort } from "./balancer-plan.ts";
import { boundUses } from "./bindings.ts";
import { type ContainerPlanArgs, imageOf, overflows } from "./container-plan.ts";
import { imageCertificates, variablesOf } from "./function-plan.ts";
import type { TaskHost } from "./instance-plan.ts";
import { overflowVariables, type Twins } from "./overflow.ts";
import { answersRequests } from "./scaling-plan.ts";

export interface ContainerArgs extends ContainerPlanArgs {
  readonly workload: string;
  readonly account: pulumi.Output<Account>;
  readonly logGroup: aws.cloudwatch.LogGroup;
  /** Under which name it reports its requests or sockets. Default: it reports none */
  readonly reportsAs?: string;
}

/** The function that a workload's tasks hand requests to, where they do. */
export const twinOf = (
  args: ContainerPlanArgs & { readonly workload: string },
): Twins[string] | undefined =>
  overflows(args, args.workload) ? args.twins?.[args.workload] : undefined;

/** ECS kills a task after so many seconds (its default); the entries drain within 25. */
const stopSeconds = 30;
/** Where a consumer says on loopback that it is alive. */
const healthPort = 8081;
/**
 * What no load balancer asks is asked by ECS, so that a task that hangs is replaced: with the image's
 * node, for there is no curl in it. Three refusals in a row, so that a handler may keep the CPU for a
 * minute; 10 s, for node takes a second or two to start on a quarter of a CPU.
 */
const healthCheck = {
  command: [
    "CMD",
    "node",
    "-e",
    `fetch("http://127.0.0.1:" + process.env.${healthPortEnv} + "/healthz").then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`,
  ],
  interval: 30,
  timeout: 10,
  retries: 3,
  startPeriod: 60,
};

/** What a task's container runs, knows and may. */
export function containerDefinition(args: ContainerArgs, host: TaskHost) {
  const workload = args.system.workloads[args.workload] as Workload;
  return {
    name: args.workload,
    image: imageOf(args, host.gpu)?.uri ?? "",
    command: commandOf(args.workload),
    essential: true,
    readonlyRootFilesystem: true,
    privileged: false,
    linuxParameters: { capabilities: { drop: ["ALL"] }, initProcessEnabled: true },
    stopTimeout: stopSeconds,
    ...(!answersRequests(workload) && { healthCheck }),
    ...(host.gpu && { resourceRequirements: [{ type: "GPU", value: "1" }] }),
    environment: Object.entries(variablesIn(args, workload))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ name: key, value })),
    ...(args.tasks?.[args.workload] && {
      portMappings: [{ containerPort: taskPort, protocol: "tcp" }],
    }),
    logConfiguration: {
      logDriver: "awslogs",
      options: {
        "awslogs-group": args.logGroup.name,
        "awslogs-region": args.account.region,
        "awslogs-stream-prefix": args.workload,
        // Where logs cannot be written, work goes on.
        mode: "non-blocking",
        "max-buffer-size": "4m",
      },
    },
  };
}

function variablesIn(args: ContainerArgs, workload: Workload) {
  const twin = twinOf(args);
  return {
    ...(args.consumers?.[args.workload]?.environment ??
      variablesOf(
        workload,
        boundUses(args.system, args.workload, args.stores),
        args.userPool,
        imageCertificates,
      )),
    // A name of the stack's own: others of the account report as well.
    ...(args.reportsAs !== undefined && { [metricsEnv]: args.reportsAs }),
    ...(!answersRequests(workload) && { [healthPortEnv]: String(healthPort) }),
    ...(workload.kind === "socket" && args.origins && { [originsEnv]: args.origins.join(",") }),
    ...(twin &&
      overflowVariables(
        workload,
        twin,
        args.overflow?.[args.workload],
        args.capacity?.[args.workload],
      )),
  };
}
