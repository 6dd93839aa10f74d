import * as z from "zod/mini";
import { Problem } from "../../runtime/http/problem.ts";
import type { Json } from "../../runtime/ports/index.ts";

/** Client's own, and repeated in what answers it. */
const ref = z.optional(z.string().check(z.maxLength(64)));
/** `orders`, one's own, or a room that anybody who is signed in may enter by its name. */
const room = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/));
const position = z.string().check(z.regex(/^[\da-z]{1,10}-\d{1,15}$/));

const request = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("join"), ref, room, after: z.optional(position) }),
  z.strictObject({ type: z.literal("leave"), ref, room }),
  z.strictObject({ type: z.literal("here"), ref, room }),
  z.strictObject({
    type: z.literal("say"),
    ref,
    room,
    id: z.string().check(z.regex(/^[\w-]{1,64}$/)),
    text: z.string().check(z.minLength(1), z.maxLength(1_000)),
  }),
]);
export type PresenceRequest = z.infer<typeof request>;

/** @throws {Problem} `invalid`, with the field's name */
export function readRequest(message: Json): PresenceRequest {
  const { success, data, error } = request.safeParse(message);
  if (success) return data;
  const field = error.issues[0]?.path.map(String).join(".").slice(0, 100) || "(message)";
  throw new Problem("invalid", {
    detail: "No request that is known here.",
    errors: [{ field: field.toWellFormed(), message: "does not fit" }],
  });
}
