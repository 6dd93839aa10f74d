import * as z from "zod/mini";
import { claimsOf, createApp } from "../../runtime/http/app.ts";
import { Problem } from "../../runtime/http/problem.ts";
import { body } from "../../runtime/http/validate.ts";
import { isPortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

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

const keyOf = (id: string) => ({ pk: `USER#${id}`, sk: "PROFILE" });

/** A user's own profile: whoever holds the token may create it once, and read it. */
export const create = ({ catalog }: PortsOf<"users">) =>
  createApp()
    .get("/users/:id", async (c) => {
      const { sub } = claimsOf(c);
      const id = c.req.param("id");
      if (id !== sub)
        throw new Problem("denied", { detail: "You may read your own profile only." });
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
    });
