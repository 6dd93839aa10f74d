/** One permission that a call needed. */
export interface Need {
  /** As a policy writes it: "dynamodb:GetItem". */
  readonly action: string;
  /** The ARN of what was touched; of an object, with its key. */
  readonly resource: string;
}

/** What the recorder sees of an SDK client, whichever service's it is. */
export interface RecordableClient {
  readonly config: { region(): Promise<string> };
  readonly middlewareStack: { add(middleware: never, options: never): void };
}

type Input = Readonly<Record<string, unknown>>;
type ArnOf = (service: string, resource: string) => string;
type NeedsOf = (input: Input, arn: ArnOf) => readonly Need[];

const one =
  (action: string, resource: (input: Input, arn: ArnOf) => string): NeedsOf =>
  (input, arn) => [{ action, resource: resource(input, arn) }];

const dynamodb = (action: string) =>
  one(`dynamodb:${action}`, ({ TableName }, arn) => arn("dynamodb", `table/${TableName}`));
const sqs = (action: string) =>
  one(`sqs:${action}`, ({ QueueUrl }, arn) => arn("sqs", String(QueueUrl).split("/").at(-1) ?? ""));
const object = (action: string) =>
  one(`s3:${action}`, ({ Bucket, Key }) => `arn:aws:s3:::${Bucket}/${Key}`);
const bucket = (action: string) => one(`s3:${action}`, ({ Bucket }) => `arn:aws:s3:::${Bucket}`);

/** Who makes a schedule hands the role on with which it sends. */
const schedule =
  (action: string): NeedsOf =>
  ({ GroupName, Name, Target }, arn) => [
    {
      action: `scheduler:${action}`,
      resource: arn("scheduler", `schedule/${GroupName}/${Name}`),
    },
    ...(Target ? [{ action: "iam:PassRole", resource: String((Target as Input).RoleArn) }] : []),
  ];

/** A transaction has no permission of its own: each of its parts needs that of the single call. */
const transactionParts: Readonly<Record<string, string>> = {
  Put: "PutItem",
  Delete: "DeleteItem",
  Update: "UpdateItem",
  ConditionCheck: "ConditionCheckItem",
};

/**
 * What each call needs (AWS Service Authorization Reference, read 2026-11). No permission: Cognito's
 * calls for an app client are unauthenticated or carry the user's own token.
 */
const needsByCommand: Readonly<Record<string, NeedsOf>> = {
  GetItemCommand: dynamodb("GetItem"),
  QueryCommand: dynamodb("Query"),
  PutItemCommand: dynamodb("PutItem"),
  DeleteItemCommand: dynamodb("DeleteItem"),
  TransactWriteItemsCommand: ({ TransactItems }, arn) =>
    (TransactItems as readonly Readonly<Record<string, Input>>[]).flatMap((item) =>
      Object.entries(item).flatMap(([part, input]) => {
        const action = transactionParts[part];
        if (!action) throw new Error(`recorder "dynamodb": a transaction with ${part}; add it`);
        return dynamodb(action)(input, arn);
      }),
    ),
  // Without ListBucket S3 answers 403, not 404, for an object that is not there.
  GetObjectCommand: (input, arn) => [
    ...object("GetObject")(input, arn),
    ...bucket("ListBucket")(input, arn),
  ],
  PutObjectCommand: object("PutObject"),
  DeleteObjectCommand: object("DeleteObject"),
  ListObjectsV2Command: bucket("ListBucket"),
  SendMessageCommand: sqs("SendMessage"),
  ReceiveMessageCommand: sqs("ReceiveMessage"),
  DeleteMessageCommand: sqs("DeleteMessage"),
  ChangeMessageVisibilityCommand: sqs("ChangeMessageVisibility"),
  GetQueueAttributesCommand: sqs("GetQueueAttributes"),
  GetSecretValueCommand: one("secretsmanager:GetSecretValue", ({ SecretId }) => String(SecretId)),
  PublishCommand: one("sns:Publish", ({ TopicArn }) => String(TopicArn)),
  PutEventsCommand: ({ Entries }, arn) =>
    (Entries as readonly Input[]).map(({ EventBusName }) => ({
      action: "events:PutEvents",
      resource: String(EventBusName).startsWith("arn:")
        ? String(EventBusName)
        : arn("events", `event-bus/${EventBusName}`),
    })),
  PutRecordsCommand: one("kinesis:PutRecords", ({ StreamName }, arn) =>
    arn("kinesis", `stream/${StreamName}`),
  ),
  SendEmailCommand: one("ses:SendEmail", ({ FromEmailAddress }, arn) =>
    arn("ses", `identity/${FromEmailAddress}`),
  ),
  GetMetricDataCommand: one("cloudwatch:GetMetricData", () => "*"),
  DescribeAlarmsCommand: one("cloudwatch:DescribeAlarms", () => "*"),
  CreateScheduleCommand: schedule("CreateSchedule"),
  UpdateScheduleCommand: schedule("UpdateSchedule"),
  DeleteScheduleCommand: schedule("DeleteSchedule"),
  InvokeCommand: one("lambda:InvokeFunction", ({ FunctionName }) => String(FunctionName)),
  StartExecutionCommand: one("states:StartExecution", ({ stateMachineArn }) =>
    String(stateMachineArn),
  ),
  DescribeExecutionCommand: one("states:DescribeExecution", ({ executionArn }) =>
    String(executionArn),
  ),
  SignUpCommand: () => [],
  ConfirmSignUpCommand: () => [],
  ResendConfirmationCodeCommand: () => [],
  InitiateAuthCommand: () => [],
  RespondToAuthChallengeCommand: () => [],
  GlobalSignOutCommand: () => [],
};

/** Records the permissions that the calls of SDK clients need, whether they succeed or fail. */
export interface Recorder {
  /**
   * Records this client's calls from now on, and gives the client back. A call that the recorder
   * does not know throws, so that none passes unseen.
   */
  plugin<C extends RecordableClient>(client: C): C;
  /** Notes a permission that was needed without a call of a client: by who holds a signed URL. */
  note(need: Need): void;
  /** Each permission once, sorted by action and resource. */
  calls(): readonly Need[];
  /** Names of all commands sent, each once, sorted; those without IAM too. */
  commands(): readonly string[];
  /** Forgets what was recorded. */
  clear(): void;
}

/** @param account number of the account, for ARNs. Default: the emulator's */
export function recorder({ account = "123456789012" } = {}): Recorder {
  const needs = new Map<string, Need>();
  const commands = new Set<string>();
  const note = (need: Need) => {
    needs.set(`${need.action} ${need.resource}`, need);
  };
  return {
    note,
    plugin(client) {
      const record =
        (next: (args: unknown) => Promise<unknown>, context: { readonly commandName?: string }) =>
        async (args: { readonly input: Input }) => {
          const command = context.commandName ?? "";
          const needsOf = Object.hasOwn(needsByCommand, command)
            ? needsByCommand[command]
            : undefined;
          if (!needsOf)
            throw new Error(`recorder "${command}": an unknown call; add what it needs`);
          const region = await client.config.region();
          const arn: ArnOf = (service, name) => `arn:aws:${service}:${region}:${account}:${name}`;
          commands.add(command);
          for (const need of needsOf(args.input, arn)) note(need);
          return next(args);
        };
      client.middlewareStack.add(
        record as never,
        { step: "initialize", name: "recorder" } as never,
      );
      return client;
    },
    calls: () => [...needs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, need]) => need),
    commands: () => [...commands].sort(),
    clear() {
      needs.clear();
      commands.clear();
    },
  };
}
