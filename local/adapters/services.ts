import path from "node:path";
import { api } from "../../runtime/adapters/local/api.ts";
import { chat } from "../../runtime/adapters/local/chat.ts";
import { deadLetterAlerts } from "../../runtime/adapters/local/dead-letter-alerts.ts";
import { mailer } from "../../runtime/adapters/local/mailer.ts";
import { type Answered, type LocalMetrics, metrics } from "../../runtime/adapters/local/metrics.ts";
import { scanner } from "../../runtime/adapters/local/scanner.ts";
import { scheduler } from "../../runtime/adapters/local/scheduler.ts";
import { secrets } from "../../runtime/adapters/local/secrets.ts";
import { table } from "../../runtime/adapters/local/table.ts";
import type { Mail, QueueAdmin } from "../../runtime/ports/index.ts";
import { type Api, envName, localSecretEnvName, queueOptions } from "../../spec/index.ts";
import type { StateSources } from "../state.ts";
import { createFrom, httpHandler } from "../workloads.ts";
import type { AdapterOptions } from "./options.ts";

/** What the host and the dashboard read of the services. */
export interface Services extends Required<Pick<StateSources, "mails" | "posts">> {
  /** Sends by the system's mailer; captured all the same where it declares none. */
  readonly send: (mail: Mail) => Promise<void>;
  /** Counts a request for the system's metrics. */
  readonly answered: (request: Answered) => void;
  /** What is kept in memory is stored. */
  close(): Promise<void>;
}

/** Opens the services of a system into `byName`; the identity is opened by itself. */
export async function openServices(
  options: AdapterOptions,
  byName: Map<string, object>,
  queues: ReadonlyMap<string, QueueAdmin>,
): Promise<Services> {
  const { system, pool, url } = options;
  const mailers: ReturnType<typeof mailer>[] = [];
  const chats: ReturnType<typeof chat>[] = [];
  let counted: LocalMetrics | undefined;
  const smtp = given("SPILLWAY_SMTP_URL");
  for (const [name, service] of Object.entries(system.services)) {
    switch (service.kind) {
      case "edge":
        byName.set(name, { url });
        break;
      case "mailer":
        mailers.push(mailer({ name, pool, from: service.from, smtp }));
        byName.set(name, mailers.at(-1) as object);
        break;
      case "chat":
        chats.push(chat({ name, pool, url: given(localSecretEnvName(service.webhook)) }));
        byName.set(name, chats.at(-1) as object);
        break;
      case "metrics":
        counted ??= metrics({ name, pool, alerts: deadLetterAlerts(queues) });
        byName.set(name, counted);
        break;
      case "scheduler": {
        const { maxBytes } = queueOptions(system, service.queue);
        byName.set(name, scheduler({ name, pool, maxBytes }));
        break;
      }
      case "scanner":
        byName.set(name, scanner({ name, address: given("SPILLWAY_CLAMD") }));
        break;
      case "api":
        byName.set(name, await openApi(options, name, service));
        break;
    }
  }
  if (mailers.length === 0)
    mailers.push(mailer({ name: "mailer", pool, from: "no-reply@localhost", smtp }));
  return {
    send: async (mail) => mailers[0]?.send(mail),
    mails: async (limit) =>
      newest(await Promise.all(mailers.map((one) => one.captured(limit))), limit),
    posts: async (limit) => newest(await Promise.all(chats.map((one) => one.posts(limit))), limit),
    answered: (request) => counted?.record(request),
    close: async () => counted?.stop(),
  };
}

/** An environment variable; an empty one is not set. */
const given = (variable: string): string | undefined => process.env[variable] || undefined;

/** The provider where the environment says so, else its stand-in with a table of its own. */
async function openApi({ root, pool, folder }: AdapterOptions, name: string, service: Api) {
  const url = given(envName({ kind: "api", name }));
  const { secret, sandbox } = service;
  const kept = secret && secrets({ names: [secret], folder: path.join(folder, "secrets") });
  const token = kept ? () => kept.get(secret) : undefined;
  if (url || !sandbox) return api({ name, url, token });
  const file = path.resolve(root, sandbox, "index.ts");
  const app = httpHandler(
    await createFrom(file, { table: table({ name: `sandbox ${name}`, pool }) }),
  );
  const context = { requestId: "sandbox" };
  return api({ name, token, sandbox: { fetch: async (request) => app.fetch(request, context) } });
}

const newest = <T extends { readonly at: Date }>(lists: readonly (readonly T[])[], limit: number) =>
  lists
    .flat()
    .sort((a, b) => b.at.getTime() - a.at.getTime())
    .slice(0, limit);
