import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Context, Hono } from "hono";
import * as z from "zod/mini";
import {
  type HttpEnv,
  isPortError,
  type JsonObject,
  type Table,
} from "../../runtime/ports/index.ts";

const charge = z.strictObject({
  amount: z.int().check(z.minimum(1)),
  currency: z.string().check(z.regex(/^[A-Z]{3}$/)),
  source: z.string().check(z.maxLength(100)),
});
const refund = z.strictObject({
  charge_key: z.string().check(z.regex(/^[\x21-\x7e]{1,255}$/)),
});

/** How long "tok_slow" takes, in milliseconds. */
const slowMs = 5_000;

/**
 * The payment provider on this machine: charges and refunds, once by their Idempotency-Key, kept in
 * a table of its own. A refund of a key that was never charged voids it: a charge that comes later
 * is refused. Sources: "tok_ok" succeeds, "tok_declined" is declined, "tok_slow" takes its time,
 * "tok_flaky" fails once with 503. GET /v1/charges and /v1/refunds list and count.
 * @param options.table of its own, for nothing else
 * @param options.wait how time passes. Default: as it does
 */
export function create({
  table,
  wait = sleep,
}: {
  readonly table: Table;
  readonly wait?: (ms: number) => Promise<unknown>;
}) {
  const app = new Hono<HttpEnv>();
  app.onError((error, c) => {
    console.error(JSON.stringify({ level: "error", app: "payments", error: error.stack }));
    return c.json({ error: { code: "unavailable" } }, 503);
  });
  app.notFound((c) => c.json({ error: { code: "not_found" } }, 404));

  app.post("/v1/charges", async (c) => {
    const key = keyIn(c);
    const request = charge.safeParse(await bodyOf(c)).data;
    if (key === undefined) return refuse(c, 400, "idempotency_key_missing");
    if (!request) return refuse(c, 400, "invalid_request");
    if (!Object.hasOwn(endings, request.source)) return refuse(c, 400, "invalid_source");
    if (request.source === "tok_slow") await wait(slowMs);
    if (request.source === "tok_flaky" && (await stored(table, "FLAKY", key, {})).isNew)
      return refuse(c, 503, "try_again");
    const status = endings[request.source as keyof typeof endings];
    const { document } = await stored(table, "CHARGES", key, {
      ...request,
      id: idOf("ch", key),
      key,
      status,
    });
    if (document.status === "voided") return refuse(c, 409, "voided");
    if (!isSame(document, request)) return refuse(c, 409, "idempotency_mismatch");
    return document.status === "succeeded"
      ? c.json({ id: document.id, status: "succeeded" }, 201)
      : refuse(c, 402, "card_declined");
  });

  app.post("/v1/refunds", async (c) => {
    const key = keyIn(c);
    const request = refund.safeParse(await bodyOf(c)).data;
    if (key === undefined) return refuse(c, 400, "idempotency_key_missing");
    if (!request) return refuse(c, 400, "invalid_request");
    const { charge_key } = request;
    // Takes the place of a charge that has not come; one that has is left as it is.
    const { document: charged } = await stored(table, "CHARGES", charge_key, { status: "voided" });
    const { document } = await stored(table, "REFUNDS", charge_key, {
      id: idOf("re", charge_key),
      key,
      charge_key,
      amount: charged.amount ?? 0,
      status: charged.status === "succeeded" ? "succeeded" : "voided",
    });
    if (document.key !== key) return refuse(c, 409, "already_refunded");
    return c.json({ id: document.id, status: document.status }, 201);
  });

  app.get("/v1/charges", async (c) => {
    const all = await allOf(table, "CHARGES");
    return c.json(listed(all.filter(({ status }) => status !== "voided")));
  });
  app.get("/v1/refunds", async (c) => c.json(listed(await allOf(table, "REFUNDS"))));
  return app;
}

const endings = {
  tok_ok: "succeeded",
  tok_slow: "succeeded",
  tok_flaky: "succeeded",
  tok_declined: "failed",
} as const;

type Status = 400 | 402 | 409 | 503;
const refuse = (c: Context, status: Status, code: string) => c.json({ error: { code } }, status);

function keyIn(c: Context): string | undefined {
  const key = c.req.header("idempotency-key") ?? "";
  return /^[\x21-\x7e]{1,255}$/.test(key) ? key : undefined;
}

const bodyOf = (c: Context): Promise<unknown> => c.req.json().catch(() => undefined);

const idOf = (kind: string, key: string): string =>
  `${kind}_${createHash("sha256").update(key).digest("hex").slice(0, 24)}`;

const isSame = (document: JsonObject, request: z.infer<typeof charge>): boolean =>
  Object.entries(request).every(([name, value]) => document[name] === value);

/** Stores a document where there is none, and says what is there. */
async function stored(table: Table, pk: string, sk: string, document: JsonObject) {
  try {
    await table.put({ pk, sk }, document, { ifAbsent: true });
    return { isNew: true, document };
  } catch (error) {
    if (!isPortError(error, "conflict")) throw error;
    return { isNew: false, document: (await table.get({ pk, sk })) ?? document };
  }
}

async function allOf(table: Table, pk: string): Promise<readonly JsonObject[]> {
  const documents: JsonObject[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.query(pk, { limit: 1000, cursor });
    documents.push(...page.items.map(({ document }) => document));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return documents;
}

/** All of them, with how many there are of each status. */
function listed(data: readonly JsonObject[]) {
  const counts: Record<string, number> = {};
  for (const { status } of data) counts[String(status)] = (counts[String(status)] ?? 0) + 1;
  return { counts, data };
}
