import * as z from "zod/mini";
import { type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

const failed = z.object({
  data: z.object({
    orderId: z.string().check(z.minLength(1), z.maxLength(200)),
    reason: z.string().check(z.maxLength(500)),
  }),
});

/** Slack reads these three as the beginning of mentions and links. */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/**
 * Tells the team of a payment that failed: at least once. An incoming webhook knows no key and
 * tells nobody what was posted, so a crash after the post and before the return posts it again;
 * nothing else happens in between.
 */
export const create =
  ({ chat }: PortsOf<"alerts">): MessageHandler =>
  async ({ id, body }) => {
    const { success, data, error } = failed.safeParse(body);
    if (!success)
      throw new PortError(
        "invalid",
        `alerts "${id}": no failed payment; correct what publishes it`,
        {
          cause: error,
        },
      );
    const { orderId, reason } = data.data;
    await chat.post({ text: `Payment of order ${escaped(orderId)} failed: ${escaped(reason)}` });
  };
