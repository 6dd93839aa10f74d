import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { refuse } from "../shared/validation.ts";
import { type Account, accountOf } from "./account.ts";
import { alarm, deadLetterAlarm } from "./alarms.ts";
import {
  type AlertPlan,
  alertFaults,
  anomalyThreshold,
  budgetMarks,
  keyPolicy,
  topicPolicy,
} from "./observability/alert-plan.ts";
import { deadLetterQueue, type QueueTransforms, queuePolicy, redriveFrom } from "./queues.ts";

export interface AlertsArgs extends AlertPlan {
  readonly transform?: QueueTransforms & {
    readonly key?: Transform<aws.kms.KeyArgs>;
    readonly topic?: Transform<aws.sns.TopicArgs>;
    readonly subscription?: Transform<aws.sns.TopicSubscriptionArgs>;
    readonly budget?: Transform<aws.budgets.BudgetArgs>;
    readonly monitor?: Transform<aws.costexplorer.AnomalyMonitorArgs>;
    readonly anomalies?: Transform<aws.costexplorer.AnomalySubscriptionArgs>;
  };
}

/**
 * Who is told when something is wrong: a topic, encrypted and TLS only, for the stack's alarms;
 * and for the account's money, a monthly budget (what was spent, what it will come to) and
 * unusual costs. It is made before what it is told of.
 *
 * The budget is of the whole account: costs are kept by tag only where somebody made the tag a cost
 * allocation tag, and without that a budget by tag stays at 0 for ever. Where that was done,
 * `transform.budget` narrows it.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const alerts = new Alerts("alerts", { email: "ops@example.com", monthlyBudget: 400 });
 * new EventPipeline("events", { system, artefacts, alarms: alerts.arn });
 */
export class Alerts extends pulumi.ComponentResource {
  readonly key: aws.kms.Key;
  readonly topic: aws.sns.Topic;
  /** ARN of the topic. */
  readonly arn: pulumi.Output<string>;
  readonly subscription?: aws.sns.TopicSubscription;
  readonly budget?: aws.budgets.Budget;
  readonly anomalyMonitor?: aws.costexplorer.AnomalyMonitor;
  readonly anomalies?: aws.costexplorer.AnomalySubscription;
  /** On mails that could not be delivered: they can only be seen. */
  readonly alarms: readonly aws.cloudwatch.MetricAlarm[];

  constructor(name: string, args: AlertsArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse("Alerts", name, alertFaults(args));
    super("spillway:aws:Alerts", name, {}, opts);
    const { email, monthlyBudget } = args;
    const account = accountOf(this);

    this.key = this.#makeKey(name, args, account);
    this.topic = this.#makeTopic(name, args);
    this.arn = this.topic.arn;
    const policy = this.#letSend(name, args, account);
    if (email === undefined) {
      this.alarms = [];
      this.#say("alarms are mailed to nobody; set alarmEmail, or subscribe to their topic");
    } else {
      const undelivered = this.#makeUndelivered(name, args);
      this.subscription = this.#mailTo(name, email, undelivered, args);
      this.alarms = [
        alarm(`${name}-undelivered`, deadLetterAlarm(undelivered.name), undefined, this),
      ];
    }
    if (monthlyBudget === undefined) this.#say("no budget is watched; set monthlyBudget, in USD");
    else {
      this.budget = this.#makeBudget(name, monthlyBudget, args, policy);
      if (args.anomalyMonitor === undefined) this.anomalyMonitor = this.#makeMonitor(name, args);
      this.anomalies = this.#tellAnomalies(name, monthlyBudget, args, policy);
    }
    this.registerOutputs({ arn: this.arn });
  }

  #say(what: string) {
    void pulumi.log.info(`Alerts: ${what}`, this);
  }

  #makeKey(name: string, args: AlertsArgs, account: pulumi.Output<Account>) {
    return new aws.kms.Key(
      `${name}-key`,
      transformed(args.transform?.key, `${name}-key`, {
        description: `Alerts of ${pulumi.getProject()} ${pulumi.getStack()}`,
        enableKeyRotation: true,
        policy: account.apply((known) => keyPolicy(args, known)),
      }),
      { parent: this },
    );
  }

  #makeTopic(name: string, { transform }: AlertsArgs) {
    return new aws.sns.Topic(
      name,
      transformed(transform?.topic, name, {
        name: physicalName(name, "topic"),
        kmsMasterKeyId: this.key.arn,
      }),
      { parent: this },
    );
  }

  #letSend(name: string, args: AlertsArgs, account: pulumi.Output<Account>) {
    // As physical names begin, which alarms have.
    const prefix = `${pulumi.getProject()}-${pulumi.getStack()}-`;
    const { arn } = this.topic;
    return new aws.sns.TopicPolicy(
      `${name}-tls`,
      { arn, policy: account.apply((known) => topicPolicy(args, arn, known, prefix)) },
      { parent: this },
    );
  }

  /** Where mails go that could not be delivered. */
  #makeUndelivered(name: string, { transform }: AlertsArgs) {
    const dead = deadLetterQueue(name, transform, this);
    redriveFrom(name, dead, [], this);
    queuePolicy(`${name}-dead`, dead, [{ service: "sns.amazonaws.com", of: this.arn }], this);
    return dead;
  }

  #mailTo(
    name: string,
    endpoint: pulumi.Input<string>,
    undelivered: aws.sqs.Queue,
    { transform }: AlertsArgs,
  ) {
    return new aws.sns.TopicSubscription(
      `${name}-email`,
      transformed(transform?.subscription, `${name}-email`, {
        topic: this.arn,
        protocol: "email",
        endpoint,
        redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: undelivered.arn }),
      }),
      { parent: this },
    );
  }

  #makeBudget(name: string, usd: number, args: AlertsArgs, dependsOn: pulumi.Resource) {
    return new aws.budgets.Budget(
      `${name}-budget`,
      transformed(args.transform?.budget, `${name}-budget`, {
        name: physicalName(name, "budget"),
        budgetType: "COST",
        timeUnit: "MONTHLY",
        limitAmount: String(usd),
        limitUnit: "USD",
        // What is used, also while credits still pay for it.
        costTypes: { includeCredit: false, includeRefund: false },
        notifications: budgetMarks.map((mark) => ({
          ...mark,
          thresholdType: "PERCENTAGE",
          comparisonOperator: "GREATER_THAN",
          subscriberSnsTopicArns: [this.arn],
        })),
      }),
      { parent: this, dependsOn },
    );
  }

  #makeMonitor(name: string, { transform }: AlertsArgs) {
    this.#say(
      "a monitor of cost anomalies is made, of which an account may have one; if yours has one already, set anomalyMonitor to its ARN",
    );
    return new aws.costexplorer.AnomalyMonitor(
      `${name}-monitor`,
      transformed(transform?.monitor, `${name}-monitor`, {
        name: physicalName(name, "anomaly"),
        monitorType: "DIMENSIONAL",
        monitorDimension: "SERVICE",
      }),
      { parent: this },
    );
  }

  #tellAnomalies(name: string, usd: number, args: AlertsArgs, dependsOn: pulumi.Resource) {
    return new aws.costexplorer.AnomalySubscription(
      `${name}-anomalies`,
      transformed(args.transform?.anomalies, `${name}-anomalies`, {
        name: physicalName(name, "anomaly"),
        // What goes to a topic goes at once; daily and weekly digests go by e-mail alone.
        frequency: "IMMEDIATE",
        monitorArnLists: [args.anomalyMonitor ?? this.anomalyMonitor?.arn ?? ""],
        subscribers: [{ type: "SNS", address: this.arn }],
        thresholdExpression: {
          dimension: {
            key: "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            matchOptions: ["GREATER_THAN_OR_EQUAL"],
            values: [anomalyThreshold(usd)],
          },
        },
      }),
      { parent: this, dependsOn },
    );
  }
}
