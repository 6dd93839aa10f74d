import * as pulumi from "@pulumi/pulumi";
import { deadLettersEnv, type System, sourceQueueEnv, type Workload } from "../../spec/index.ts";
import {
  type Binding,
  type Bindings,
  boundUses,
  type DeadLetters,
  statementsFor,
} from "./bindings.ts";
import type { Queued } from "./event-plan.ts";
import { type Feeding, imageCertificates, variablesOf } from "./function-plan.ts";
import { consumerStatements, policyText, type Statement } from "./permissions.ts";
import type { OwnQueue } from "./queues.ts";

/** A queue with its dead letters, as those who consume it see it. */
export interface Consumed {
  readonly arn: pulumi.Input<string>;
  readonly url: pulumi.Input<string>;
  readonly deadLetters: DeadLetters;
}

/** What a container needs in order to consume a queue as its workload. */
export interface Consumer {
  readonly queueArn: pulumi.Output<string>;
  readonly queueUrl: pulumi.Output<string>;
  readonly deadLettersUrl: pulumi.Output<string>;
  /** Of its task role: the workload's uses, its queue, its dead letters, and no more. */
  readonly statements: pulumi.Output<readonly Statement[]>;
  /** The same as a policy's text. */
  readonly policy: pulumi.Output<string>;
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
}

/** A workload's own queue, as its consumer sees it. */
export const ownConsumed = ({ queue: { arn, url }, dead }: OwnQueue): Consumed => ({
  arn,
  url,
  deadLetters: { arn: dead.arn, url: dead.url },
});

/** The queue before a workload: its own, or a declared one. */
export function queueBefore(
  { name, source }: Queued,
  own: Readonly<Record<string, OwnQueue>>,
  stores: Bindings = {},
): Consumed {
  const mine = own[name];
  if (mine) return ownConsumed(mine);
  const { arn = "", location, deadLetters } = stores[source.queue] as Binding;
  return { arn, url: location, deadLetters: deadLetters as DeadLetters };
}

/** What a function needs in order to be fed from a queue. */
export const feedingFrom = ({ arn, deadLetters }: Consumed): Feeding => ({
  statements: pulumi
    .all([arn, deadLetters.arn])
    .apply(([queue, dead]) => consumerStatements("function", queue, dead)),
  variables: { [deadLettersEnv]: deadLetters.url },
  deadLettersArn: deadLetters.arn,
});

/**
 * A workload as the consumer of a queue on a container.
 * @param more statements beside its uses and its queue
 */
export function consumerOf(
  { system, stores }: { readonly system: System; readonly stores?: Bindings },
  workload: string,
  { arn, url, deadLetters }: Consumed,
  more: pulumi.Input<readonly Statement[]> = [],
): Consumer {
  const uses = boundUses(system, workload, stores);
  const statements = pulumi
    .all([arn, deadLetters.arn, statementsFor(uses), more])
    .apply(([queue, dead, own, others]): readonly Statement[] => [
      ...own,
      ...consumerStatements("container", queue, dead),
      ...others,
    ]);
  return {
    queueArn: pulumi.output(arn),
    queueUrl: pulumi.output(url),
    deadLettersUrl: pulumi.output(deadLetters.url),
    statements,
    policy: statements.apply((all) => policyText(...all)),
    environment: {
      ...variablesOf(system.workloads[workload] as Workload, uses, undefined, imageCertificates),
      [sourceQueueEnv]: url,
      [deadLettersEnv]: deadLetters.url,
    },
  };
}
