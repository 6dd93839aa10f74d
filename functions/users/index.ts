import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import * as z from "zod/mini";
import { claimsOf, createApp } from "../../runtime/http/app.ts";
import { Problem } from "../../runtime/http/problem.ts";
import { body } from "../../runtime/http/validate.ts";
import { type HttpEnv, isPortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import {
  after,
  answerOf,
  formSeconds,
  newUpload,
  keyOf as objectKeyOf,
  upload,
} from "./uploads.ts";

// Control characters and halves of surrogate pairs cannot be stored by every database.
const printable = /^[^\p{Cc}\p{Cs}]+$/u;

const newUser = body(
  z.strictObject({
    name: z
      .string()
      .check(
        z.trim(),
        z.minLength(1),
        z.maxLength(100),
        z.regex(printable, "must be text without control characters"),
      ),
    phone: z.optional(
      z
        .string()
        .check(z.regex(/^\+[1-9]\d{6,14}$/, "must be in E.164 form, such as +493012345678")),
    ),
    locale: z.optional(
      z
        .string()
        .check(
          z.maxLength(35),
          z.regex(/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/, "must be a language tag, such as de-DE"),
        ),
    ),
    marketing: z.optional(z.boolean()),
  }),
);

const uploadOf = body(newUpload);

const keyOf = (id: string) => ({ pk: `USER#${id}`, sk: "PROFILE" });
const uploadKeyOf = (id: string) => ({ pk: `UPLOAD#${id}`, sk: "META" });

/** The user of the token, where the path names nobody else. */
function ownerOf(c: Context<HttpEnv>, detail: string): string {
  const { sub } = claimsOf(c);
  if (c.req.param("id") !== sub) throw new Problem("denied", { detail });
  return sub;
}

/** A user's own profile and uploads: whoever holds the token may create and read them. */
export const create = ({ catalog, media }: PortsOf<"users">) =>
  createApp()
    .get("/users/:id", async (c) => {
      const id = ownerOf(c, "You may read your own profile only.");
      const profile = await catalog.get(keyOf(id));
      if (!profile) throw new Problem("not-found", { detail: "You have no profile yet." });
      return c.json({ ...profile, id });
    })
    .post("/users", async (c) => {
      const { sub: id } = claimsOf(c);
      const profile = { ...(await newUser(c.req.raw)), createdAt: new Date().toISOString() };
      await catalog.put(keyOf(id), profile, { ifAbsent: true }).catch((cause) => {
        if (!isPortError(cause, "conflict")) throw cause;
        throw new Problem("conflict", { detail: "You have a profile already.", cause });
      });
      return c.json({ ...profile, id }, 201, { location: `/users/${encodeURIComponent(id)}` });
    })
    .post("/users/:id/uploads", async (c) => {
      const owner = ownerOf(c, "You may upload for yourself only.");
      const { name, contentType, bytes: maxBytes } = await uploadOf(c.req.raw);
      const now = new Date();
      const [id, expiresAt] = [randomUUID(), after(now, formSeconds)];
      const key = objectKeyOf(owner, id, name);
      const form = await media.signPut(key, { contentType, maxBytes, expiresSeconds: formSeconds });
      // First what the cleanup goes by: an upload that it does not know of would stay for ever.
      await catalog.put({ pk: "UPLOADS", sk: `${expiresAt}#${id}` }, { id, key });
      const row = { id, key, owner, contentType, maxBytes, expiresAt, at: now.toISOString() };
      await catalog.put(uploadKeyOf(id), row);
      const location = `/users/${encodeURIComponent(owner)}/uploads/${id}`;
      return c.json({ id, ...form, expiresAt, maxBytes }, 201, { location });
    })
    .get("/users/:id/uploads/:upload", async (c) => {
      const owner = ownerOf(c, "You may see your own uploads only.");
      const id = c.req.param("upload");
      // Nothing else was ever given out.
      const row = /^[\da-f-]{36}$/.test(id) ? await catalog.get(uploadKeyOf(id)) : undefined;
      const found = row && upload.parse(row);
      if (found?.owner !== owner)
        throw new Problem("not-found", { detail: "You have no such upload." });
      const part = (sk: string) => catalog.get({ pk: `IMAGE#${found.key}`, sk });
      const parts = ["META", "SCAN", "REFUSED", "LABEL"].map(part);
      const [image, scan, refused, label] = await Promise.all(parts);
      return c.json(await answerOf(found, { image, scan, refused, label }, media, new Date()));
    });
