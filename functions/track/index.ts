import * as z from "zod/mini";
import { createApp } from "../../runtime/http/app.ts";
import { Problem } from "../../runtime/http/problem.ts";
import { body } from "../../runtime/http/validate.ts";
import type { PortsOf } from "../ports.ts";

/** How far a click's own time may be from now, in milliseconds: behind and ahead. */
const behindMs = 86_400_000;
const aheadMs = 300_000;

const clicks = body(
  z.strictObject({
    clicks: z
      .array(
        z.strictObject({
          // Becomes part of a key: no control characters, no halves of surrogate pairs.
          page: z
            .string()
            .check(
              z.maxLength(200),
              z.regex(/^\/[^\p{Cc}\p{Cs}]*$/u, "must be a path, such as /products/mug"),
            ),
          session: z
            .string()
            .check(z.regex(/^[\w-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -")),
          at: z.optional(z.iso.datetime()),
        }),
      )
      .check(z.minLength(1), z.maxLength(100)),
  }),
);

/** Takes clicks, 1 to 100 at a time; a session's stay in their order. Answered means stored. */
export const create = ({ clicks: stream }: PortsOf<"track">) =>
  createApp().post("/clicks", async (c) => {
    const given = await clicks(c.req.raw);
    const now = Date.now();
    const late = given.clicks.findIndex(({ at }) => at !== undefined && !isNear(at, now));
    if (late >= 0)
      throw new Problem("invalid", {
        detail: "The body has fields that do not fit.",
        errors: [{ field: `clicks.${late}.at`, message: "must be within the last 24 hours" }],
      });
    await stream.put(
      given.clicks.map(({ page, session, at }) => ({
        key: session,
        body: { page, session, at: new Date(at ?? now).toISOString() },
      })),
    );
    return c.json({ accepted: given.clicks.length }, 202);
  });

function isNear(at: string, now: number): boolean {
  const time = Date.parse(at);
  return time >= now - behindMs && time <= now + aheadMs;
}
