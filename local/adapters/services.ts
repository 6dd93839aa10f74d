import { mailer } from "../../runtime/adapters/local/mailer.ts";
import type { Mail, QueueAdmin } from "../../runtime/ports/index.ts";
import type { AdapterOptions } from "../adapters.ts";
import type { StateSources } from "../state.ts";

/** What the host and the dashboard read of the services. */
export interface Services extends Pick<StateSources, "mails"> {
  /** Sends by the system's mailer; captured all the same where it declares none. */
  readonly send: (mail: Mail) => Promise<void>;
  /** What is kept in memory is stored. */
  close(): Promise<void>;
}

/** Opens the services of a system into `byName`; the identity is opened by itself. */
export async function openServices(
  { system, pool, url }: AdapterOptions,
  byName: Map<string, object>,
  queues: ReadonlyMap<string, QueueAdmin>,
): Promise<Services> {
  const mailers: ReturnType<typeof mailer>[] = [];
  const smtp = process.env.SPILLWAY_SMTP_URL || undefined;
  for (const [name, service] of Object.entries(system.services)) {
    if (service.kind === "edge") byName.set(name, { url });
    if (service.kind === "mailer") {
      const adapter = mailer({ name, pool, from: service.from, smtp });
      mailers.push(adapter);
      byName.set(name, adapter);
    }
  }
  if (mailers.length === 0)
    mailers.push(mailer({ name: "mailer", pool, from: "no-reply@localhost", smtp }));
  return {
    send: async (mail) => mailers[0]?.send(mail),
    mails: async (limit) =>
      newest(await Promise.all(mailers.map((one) => one.captured(limit))), limit),
    close: async () => {},
  };
}

const newest = <T extends { readonly at: Date }>(lists: readonly (readonly T[])[], limit: number) =>
  lists
    .flat()
    .sort((a, b) => b.at.getTime() - a.at.getTime())
    .slice(0, limit);
