import { createHash, randomUUID } from "node:crypto";
import * as z from "zod/mini";
import { claimsOf, createApp } from "../../runtime/http/app.ts";
import { Problem } from "../../runtime/http/problem.ts";
import { body } from "../../runtime/http/validate.ts";
import { type Claims, isPortError, type JsonObject } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

const maxDays = 366;
/** How long links of an answer can be followed, in seconds. */
const linkSeconds = 3600;
/** When to ask again, in seconds. */
const askAgain = { "retry-after": "2" };

const day = z.iso.date("must be a day, such as 2026-11-30");
const email = z.string().check(z.maxLength(254), z.email("must be an e-mail address"));
const newReport = body(z.strictObject({ from: day, to: day, email: z.optional(email) }));

const report = z.object({
  id: z.string(),
  owner: z.string(),
  email: z.string(),
  from: z.string(),
  to: z.string(),
  status: z.enum(["queued", "running", "delayed", "done", "failed"]),
  progress: z.number(),
  csv: z.optional(z.string()),
  pdf: z.optional(z.string()),
  rows: z.optional(z.number()),
  reason: z.optional(z.string()),
  at: z.string(),
});

const keyOf = (id: string) => ({ pk: `REPORT#${id}`, sk: "META" });

/**
 * Takes orders for reports: stored and queued before the answer, which says where to look. With an
 * Idempotency-Key an order that is sent again gives the same report; the first one that was stored
 * but not queued is queued then.
 */
export const create = ({ catalog, reporting, media }: PortsOf<"reports">) =>
  createApp()
    .post("/reports", async (c) => {
      const claims = claimsOf(c);
      const given = await newReport(c.req.raw);
      const { from, to } = checkedSpan(given);
      const wanted = { owner: claims.sub, email: emailOf(claims, given.email), from, to };
      const id = idOf(claims.sub, c.req.header("idempotency-key"));
      const row = { id, ...wanted, status: "queued", progress: 0, stage: "0" };
      const isNew = await catalog
        .put(keyOf(id), { ...row, at: new Date().toISOString() }, { ifAbsent: true })
        .then(
          () => true,
          (error) => {
            if (!isPortError(error, "conflict")) throw error;
            return false;
          },
        );
      const known = isNew ? undefined : await catalog.get(keyOf(id));
      if (known && !isSame(known, wanted))
        throw new Problem("conflict", {
          detail: "This Idempotency-Key was used for another report.",
        });
      // The job does one report once, however often it is asked to.
      if (!known || known.status === "queued") await reporting.send({ reportId: id });
      const statusUrl = `/reports/${id}`;
      return c.json({ id, statusUrl }, 202, { location: statusUrl, ...askAgain });
    })
    .get("/reports/:id", async (c) => {
      const { sub } = claimsOf(c);
      const id = c.req.param("id");
      const row = /^[\da-f-]{36}$/.test(id) ? await catalog.get(keyOf(id)) : undefined;
      const found = row && report.parse(row);
      // Somebody else's looks like none.
      if (found?.owner !== sub)
        throw new Problem("not-found", { detail: "You have no such report." });
      const { owner: _, csv, pdf, ...about } = found;
      if (found.status !== "done" || !csv || !pdf)
        return c.json(about, 200, found.status === "failed" ? {} : askAgain);
      const name = `report-${found.from}-to-${found.to}`;
      const link = (key: string, fileName: string) =>
        media.signGet(key, { expiresSeconds: linkSeconds, fileName });
      const links = {
        csv: await link(csv, `${name}.csv`),
        pdf: await link(pdf, `${name}.pdf`),
        expireAt: new Date(Date.now() + linkSeconds * 1000).toISOString(),
      };
      return c.json({ ...about, links });
    });

function checkedSpan({ from, to }: { from: string; to: string }): { from: string; to: string } {
  const refuse = (field: string, message: string) =>
    new Problem("invalid", {
      detail: "The body has fields that do not fit.",
      errors: [{ field, message }],
    });
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  if (days < 1) throw refuse("to", "must not be before from");
  if (days > maxDays) throw refuse("to", `must be within ${maxDays} days, both ends counted`);
  return { from, to };
}

/** The token's own address goes before: a report about somebody is not mailed to just anybody. */
function emailOf(claims: Claims, given: string | undefined): string {
  const own = email.safeParse(claims.email);
  const address = own.success ? own.data : given;
  if (address === undefined)
    throw new Problem("invalid", {
      detail: "The body has fields that do not fit.",
      errors: [{ field: "email", message: "is missing" }],
    });
  return address;
}

/** A random id; with a key the same one each time for the same user. In the form of a UUID. */
function idOf(owner: string, key: string | undefined): string {
  if (key === undefined) return randomUUID();
  if (!/^[\x20-\x7e]{1,200}$/.test(key))
    throw new Problem("invalid", {
      detail: "The Idempotency-Key must be 1 to 200 printable ASCII characters.",
    });
  const hash = createHash("sha256")
    .update(JSON.stringify([owner, key]))
    .digest("hex");
  return [0, 8, 12, 16, 20].map((at, i, all) => hash.slice(at, all[i + 1] ?? 32)).join("-");
}

const isSame = (known: JsonObject, wanted: JsonObject): boolean =>
  Object.entries(wanted).every(([field, value]) => known[field] === value);
