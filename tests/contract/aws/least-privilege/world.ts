import { join } from "node:path";
import { portsOf } from "../../../../components/shared/entry-ports.ts";
import { objectStore } from "../../../../runtime/adapters/aws/object-store.ts";
import { queueConsumer } from "../../../../runtime/adapters/aws/queue-consumer.ts";
import { table } from "../../../../runtime/adapters/aws/table.ts";
import type { ObjectStore, Table, UploadForm } from "../../../../runtime/ports/index.ts";
import { system } from "../../../../system.ts";
import type { Recorder } from "../../recording.ts";
import type { Receiver } from "../../suites/receiver.ts";
import { emulator } from "../emulator.ts";
import type { Answers, Clients } from "./emulated.ts";

/** Around the workloads: what others did before, and do after. None of it is recorded as theirs. */
export interface World {
  readonly catalog: Table;
  readonly media: ObjectStore;
  /** Bodies of the messages that are in a queue, taken out of it. */
  received(queue: keyof (typeof system)["channels"]): Promise<readonly unknown[]>;
  /** Stores by a signed form, as its holder: noted as the signer's s3:PutObject. */
  submit(form: UploadForm, content: string): Promise<void>;
  /** Reads by a signed URL, as its holder: noted as the signer's s3:GetObject. */
  follow(url: string): Promise<void>;
}

const signing = {
  endpoint: emulator.endpoint,
  region: emulator.region,
  credentials: async () => emulator.credentials,
};

export function worldOf(answers: Answers, clients: Clients, seen: Recorder): World {
  const of = (resource: string) => answers.get(resource) ?? {};
  const bucket = of("aws:s3/bucket:Bucket stores-media").bucket ?? "";
  const ok = async (response: Response, action: string, key: string) => {
    if (!response.ok)
      throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
    seen.note({ action, resource: `arn:aws:s3:::${bucket}/${key}` });
  };
  return {
    catalog: table({
      name: "catalog",
      location: of("aws:dynamodb/table:Table stores-catalog").name ?? "",
      client: clients.dynamodb,
    }),
    media: objectStore({ name: "media", location: bucket, client: clients.objects, ...signing }),
    async received(name) {
      const location = of(`aws:sqs/queue:Queue stores-${name}`).url ?? "";
      const consumer = queueConsumer({ name, location, client: clients.sqs });
      const bodies: unknown[] = [];
      for (;;) {
        const deliveries = await consumer.receive(10, 0);
        if (deliveries.length === 0) return bodies;
        for (const { message, done } of deliveries) {
          bodies.push(message.body);
          await done();
        }
      }
    },
    async submit({ url, fields }, content) {
      const body = new FormData();
      for (const [name, value] of Object.entries(fields)) body.append(name, value);
      body.append("file", new Blob([content]));
      await ok(await fetch(url, { method: "POST", body }), "s3:PutObject", fields.key ?? "");
    },
    async follow(url) {
      const key = decodeURIComponent(new URL(url).pathname).replace(`/${bucket}/`, "");
      await ok(await fetch(url), "s3:GetObject", key);
    },
  };
}

type Options = Readonly<Record<string, unknown>>;
type Module = Readonly<Record<string, (options: Options) => unknown>>;

/**
 * The ports of a workload by the code that is generated for its bundle, told the environment that
 * the graph gives it: only that their clients are recorded, and others' APIs are on this machine.
 */
export async function recordedPorts(
  workload: string,
  environment: Readonly<Record<string, string>>,
  clients: Clients,
  others: Pick<Receiver, "url">,
): Promise<unknown> {
  const given: Readonly<Record<string, Options>> = {
    api: { client: clients.secrets, location: others.url },
    bus: { client: clients.events },
    chat: { client: clients.secrets },
    edge: {},
    identity: { client: clients.cognito },
    mailer: { client: clients.mails },
    metrics: { client: clients.cloudwatch },
    objectStore: { client: clients.objects, ...signing },
    objectUrls: signing,
    queue: { client: clients.sqs },
    scheduler: { client: clients.scheduler },
    secrets: { client: clients.secrets },
    stream: { client: clients.kinesis },
    table: { client: clients.dynamodb },
    topic: { client: clients.sns },
    workflow: { client: clients.sfn },
  };
  const { code, imports } = portsOf(system, workload);
  const factories = await Promise.all(
    [...new Map(imports.map(([file, name]) => [name, file]))].map(async ([name, file]) => {
      const path = join(import.meta.dirname, "../../../..", file);
      const module: Module = await import(/* @vite-ignore */ path);
      const more = given[name];
      if (!more) throw new Error(`Least privilege: adapter "${name}" is new; give its client`);
      return [name, (options: Options) => module[name]?.({ ...options, ...more })] as const;
    }),
  );
  const env = (name: string) => {
    const value = environment[name];
    if (value === undefined) throw new Error(`Least privilege: "${workload}" is not given ${name}`);
    return value;
  };
  const make = new Function("env", ...factories.map(([name]) => name), `return ${code};`);
  return make(env, ...factories.map(([, factory]) => factory));
}
