import * as z from "zod/mini";
import { claimsOf, createApp } from "../../runtime/http/app.ts";
import { Problem } from "../../runtime/http/problem.ts";
import { body } from "../../runtime/http/validate.ts";
import { isPortError, type JsonObject } from "../../runtime/ports/index.ts";
import { items } from "../basket.ts";
import { idempotencyKey, idOf } from "../idempotency.ts";
import type { PortsOf } from "../ports.ts";
import { standingOf } from "./standing.ts";

type Ports = PortsOf<"checkouts">;

/** How long a checkout can be asked for, in milliseconds: a day. */
const lifeMs = 86_400_000;

const newCheckout = body(
  z.strictObject({
    items,
    source: z.string().check(z.regex(/^tok_\w{1,60}$/, "must be a token of the payment provider")),
    email: z.string().check(z.trim(), z.maxLength(254), z.email()),
  }),
);

/** Starts checkouts and says how they stand; each user's own alone. */
export const create = ({ catalog, checkout }: Ports) =>
  createApp()
    .post("/checkouts", async (c) => {
      const { sub: owner } = claimsOf(c);
      const key = idempotencyKey(c.req.raw);
      const input = await newCheckout(c.req.raw);
      const id = `co_${idOf(owner, key)}`;
      await remember(catalog, id, owner);
      await checkout.start(id, input).catch((cause) => {
        if (!isPortError(cause, "conflict")) throw cause;
        throw new Problem("conflict", {
          detail: "This Idempotency-Key was used for another order.",
          cause,
        });
      });
      const statusUrl = `/checkouts/${id}`;
      return c.json({ id, statusUrl }, 202, { location: statusUrl });
    })
    .get("/checkouts/:id", async (c) => {
      const { sub } = claimsOf(c);
      const id = c.req.param("id");
      // Whether somebody else's exists is not for the client.
      const meta = /^co_[\da-f]{32}$/.test(id) ? await catalog.get(keyOf(id, "META")) : undefined;
      if (meta?.owner !== sub) throw new Problem("not-found", { detail: "You have none such." });
      const [execution, state] = await Promise.all([
        checkout.status(id),
        catalog.get(keyOf(id, "STATE")),
      ]);
      return c.json({ id, at: meta.at, ...standingOf({ execution, state }) });
    });

const keyOf = (id: string, sk: "META" | "STATE") => ({ pk: `CHECKOUT#${id}`, sk });

/**
 * Notes whose it is, before it starts, and before that when it may be forgotten: whatever was
 * stored is found by the cleanup.
 */
async function remember(catalog: Ports["catalog"], id: string, owner: string): Promise<void> {
  const { pk } = keyOf(id, "META");
  if (await catalog.get(keyOf(id, "META"))) return;
  const now = Date.now();
  const expiresAt = new Date(now + lifeMs).toISOString();
  const session: JsonObject = { id, pk };
  await catalog.put({ pk: "SESSIONS", sk: `${expiresAt}#${id}` }, session);
  await catalog
    .put(keyOf(id, "META"), { id, owner, at: new Date(now).toISOString() }, { ifAbsent: true })
    .catch((error) => {
      // The same request, twice at a time: either may note it.
      if (!isPortError(error, "conflict")) throw error;
    });
}
