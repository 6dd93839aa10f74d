import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { reasonAttribute } from "../../runtime/adapters/aws/dead-letters.ts";
import { table } from "../../runtime/adapters/aws/table.ts";
import type { JsonObject, Table } from "../../runtime/ports/index.ts";
import { deadLettersEnv } from "../../spec/index.ts";
import type { Graph, Resource } from "../components/harness.ts";
import { emulator } from "../contract/aws/emulator.ts";
import { bucketName, type Clients, clientsOf, makeAll } from "./account.ts";
import { unpack } from "./code.ts";
import { LambdaFunction } from "./function.ts";
import { account, programAs, queuesAt, region } from "./program.ts";
import { type Wire, wireTo } from "./wire.ts";

/** A message that was set aside. */
export interface DeadLetter {
  readonly body: string;
  /** Absent where SQS moved it by itself. */
  readonly reason: string | undefined;
}

export interface CloudOptions {
  /** Values of secrets by name. Default: one of its own for each */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Where names of the internet lead to: origin by origin. Default: nowhere else */
  readonly hosts?: Readonly<Record<string, string>>;
}

/**
 * The program as a stack of its own on the emulator: what its graph says is made there, and its
 * functions are run from the archives that the graph names, with the environment that it gives.
 */
export class Cloud {
  readonly graph: Graph;
  readonly clients: Clients;
  /** The functions' way to AWS. */
  readonly wire: Wire;
  readonly #hosts: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #functions = new Map<string, Promise<LambdaFunction>>();

  private constructor(graph: Graph, wire: Wire, folder: string, { hosts = {} }: CloudOptions) {
    this.graph = graph;
    this.clients = clientsOf();
    this.wire = wire;
    this.#folder = folder;
    this.#hosts = hosts;
  }

  static async start(options: CloudOptions = {}): Promise<Cloud> {
    const graph = await programAs(`t${randomUUID().slice(0, 8)}`, options.secrets);
    const folder = await mkdtemp(join(tmpdir(), "spillway-cloud-"));
    const cloud = new Cloud(graph, await wireTo(emulator.endpoint), folder, options);
    await makeAll(graph, cloud.clients);
    return cloud;
  }

  /** Names of all workloads that are deployed as functions. */
  get workloads(): readonly string[] {
    return this.#functionResources().map(workloadOf);
  }

  /** The graph's function of a workload. */
  resource(workload: string): Resource {
    const found = this.#functionResources().find((one) => workloadOf(one) === workload);
    if (!found) throw new Error(`cloud: no function "${workload}"; there are ${this.workloads}`);
    return found;
  }

  #functionResources = () => this.graph.all("aws:lambda/function:Function");

  /** A workload's function as it would run. */
  function(workload: string): Promise<LambdaFunction> {
    const known = this.#functions.get(workload);
    if (known) return known;
    const made = this.#deploy(workload);
    this.#functions.set(workload, made);
    return made;
  }

  async #deploy(workload: string): Promise<LambdaFunction> {
    const { inputs } = this.resource(workload);
    const code = join(this.#folder, workload);
    await unpack(inputs.code.path, workload, code);
    return new LambdaFunction({
      name: inputs.name,
      code,
      handler: inputs.handler,
      hosts: this.#hosts,
      environment: {
        ...this.environment(workload),
        // Lambda's own certificates are on Lambda alone.
        NODE_EXTRA_CA_CERTS: "",
        // What the runtime adds, and where the emulator is.
        AWS_REGION: region,
        AWS_DEFAULT_REGION: region,
        AWS_LAMBDA_FUNCTION_NAME: inputs.name,
        AWS_ACCESS_KEY_ID: workload,
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_ENDPOINT_URL: this.wire.url,
        TZ: ":UTC",
      },
    });
  }

  /** The variables of a workload's function: names and values of the graph, its queues here. */
  environment(workload: string): Readonly<Record<string, string>> {
    const variables: Record<string, string> =
      this.resource(workload).inputs.environment?.variables ?? {};
    return Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [
        name,
        value.replaceAll(queuesAt, this.wire.url),
      ]),
    );
  }

  async invoke(workload: string, event: unknown): Promise<unknown> {
    return (await this.function(workload)).invoke(event);
  }

  /** URL of the queue with that logical name, such as "stores-placed". */
  queue(logical: string): string {
    const { name } = this.graph.find("aws:sqs/queue:Queue", logical).inputs;
    return this.queueAt(name);
  }

  /** URL of a queue of the graph by its ARN. */
  queueAt = (arn: string): string =>
    `${emulator.endpoint}/${account}/${arn.slice(arn.lastIndexOf(":") + 1)}`;

  /** Puts a text into a queue, as a sender does. @returns the message's id */
  async send(logical: string, body: string): Promise<string> {
    const QueueUrl = this.queue(logical);
    const { MessageId = "" } = await this.clients.sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: body }),
    );
    return MessageId;
  }

  /** Takes everything out of a queue that nothing reads here. */
  async take(QueueUrl: string): Promise<readonly DeadLetter[]> {
    const taken: DeadLetter[] = [];
    for (;;) {
      const { Messages = [] } = await this.clients.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ["All"],
        }),
      );
      if (Messages.length === 0) return taken;
      for (const { Body: body = "", MessageAttributes, ReceiptHandle } of Messages) {
        taken.push({ body, reason: MessageAttributes?.[reasonAttribute]?.StringValue });
        await this.clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
  }

  /** What a workload has set aside since it was asked last. */
  deadLetters(workload: string): Promise<readonly DeadLetter[]> {
    return this.take(this.environment(workload)[deadLettersEnv] ?? "");
  }

  get bucket(): string {
    return bucketName(this.graph.find("aws:s3/bucket:Bucket", "stores-media"));
  }

  get table(): Table {
    const { name } = this.graph.find("aws:dynamodb/table:Table").inputs;
    return table({ name: "catalog", location: name, client: this.clients.dynamodb });
  }

  /** The documents of a partition by their sort keys. */
  async documents(pk: string): Promise<Readonly<Record<string, JsonObject>>> {
    const { items } = await this.table.query(pk, { limit: 1000 });
    return Object.fromEntries(items.map(({ sk, document }) => [sk, document]));
  }

  async stop(): Promise<void> {
    for (const made of this.#functions.values()) await (await made).stop();
    for (const client of Object.values(this.clients)) client.destroy();
    await this.wire.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const workloadOf = ({ inputs }: Resource): string =>
  /([^/]+)\.zip$/.exec(inputs.code.path)?.[1] ?? "";
