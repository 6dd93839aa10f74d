import path from "node:path";
import { keysUnder } from "../../runtime/adapters/local/object-files.ts";
import type { Database } from "./database.ts";
import type { Books, Receivers } from "./receivers.ts";

export interface SetAside {
  readonly queue: string;
  readonly body: string;
  readonly reason: string;
}

/** Everything that was left behind, inside the host and outside. */
export interface Facts extends Books {
  /** How each execution ended, by its id. */
  readonly executions: ReadonlyMap<string, { readonly status: string; readonly reason: string }>;
  /** What customers are told, by the order's id. */
  readonly told: ReadonlyMap<string, { readonly status: string; readonly total?: number }>;
  /** Orders that were packed. */
  readonly packed: ReadonlySet<string>;
  /** How often each event was recorded, by its id; once where it waits and nobody records here. */
  readonly recorded: ReadonlyMap<string, number>;
  readonly stock: readonly {
    readonly sku: string;
    readonly sold: number;
    /** By the orders that still hold them. */
    readonly held: number;
  }[];
  readonly setAside: readonly SetAside[];
  /** Keys of the sizes that were made of an image, by its key. */
  readonly images: ReadonlyMap<string, readonly string[]>;
  /** Images that were scanned and found clean, by their keys. */
  readonly scanned: ReadonlySet<string>;
  /** Keys of all sizes that are stored. */
  readonly sizes: ReadonlySet<string>;
  /** How often each mail came, by its Message-ID. */
  readonly mails: ReadonlyMap<string, number>;
  /** How often each post came, by its text. */
  readonly posts: ReadonlyMap<string, number>;
  /** How often each charge was asked for, by its key. */
  readonly chargesAsked: ReadonlyMap<string, number>;
}

interface Row {
  readonly pk: string;
  readonly document: Record<string, unknown>;
}

/**
 * Reads what is there once all is quiet.
 * @param data the host's data folder
 * @param unread queues that nobody consumes on this machine
 */
export async function factsOf(
  { rows }: Database,
  data: string,
  receivers: Receivers,
  unread: readonly string[],
): Promise<Facts> {
  const documents = (pk: string, sk: string) =>
    rows<Row>(
      `select pk, document from spillway.documents
       where tbl = 'catalog' and pk like $1 and sk like $2`,
      [`${pk}#%`, sk],
    );
  const named = <T>(found: readonly Row[], value: (document: Row["document"]) => T) =>
    new Map(found.map(({ pk, document }) => [pk.slice(pk.indexOf("#") + 1), value(document)]));

  const waiting = async () => {
    if (!unread.includes("activity")) return [];
    const messages = await rows<{ body: string }>(
      "select data->>'body' as body from spillway_queues.job where name = 'activity'",
    );
    return messages.map(({ body }) => [(JSON.parse(body) as { id: string }).id, 1] as const);
  };
  const executions = await rows<{ id: string; status: string; reason: string | null }>(
    "select id, status, failed->>'reason' as reason from spillway.executions",
  );
  const stock = await documents("STOCK", "UNITS");
  const sizes = new Set<string>();
  for await (const key of keysUnder(path.join(data, "objects/media"), "processed/")) sizes.add(key);
  const sum = (holds: unknown) =>
    Object.values((holds ?? {}) as Record<string, number>).reduce((all, one) => all + one, 0);
  return {
    executions: new Map(
      executions.map(({ id, status, reason }) => [id, { status, reason: reason ?? "" }]),
    ),
    told: named(await documents("CHECKOUT", "STATE"), ({ status, total }) => ({
      status: String(status),
      ...(typeof total === "number" && { total }),
    })),
    packed: new Set(named(await documents("ORDER", "FULFILMENT"), () => true).keys()),
    recorded: new Map([
      ...(await waiting()),
      ...counted((await documents("ACTIVITY", "%")).map(({ document }) => `${document.id}`)),
    ]),
    stock: [...named(stock, ({ sold, holds }) => ({ sold: Number(sold), held: sum(holds) }))].map(
      ([sku, units]) => ({ sku, ...units }),
    ),
    setAside: await rows<SetAside>(
      `select regexp_replace(name, '\\.dead$', '') as queue, data->>'body' as body,
         coalesce(source_output->>'message', data->>'reason',
           case when source_output is not null then 'not ended in time' end, '') as reason
       from spillway_queues.job where name like '%.dead' and state < 'active'`,
    ),
    images: named(await documents("IMAGE", "META"), (document) =>
      (document.sizes as { key: string }[]).map(({ key }) => key),
    ),
    scanned: new Set(
      [...named(await documents("IMAGE", "SCAN"), ({ status }) => status)]
        .filter(([, status]) => status === "clean")
        .map(([key]) => key),
    ),
    sizes,
    mails: counted(receivers.mails.map(({ source }) => messageIdIn(source))),
    posts: counted(receivers.posts),
    chargesAsked: receivers.chargesAsked,
    ...(await receivers.books()),
  };
}

export const messageIdIn = (source: string): string =>
  /^message-id:\s*(<[^>]*>)/im.exec(source)?.[1] ?? "";

function counted(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
