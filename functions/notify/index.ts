import { type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { message } from "./messages.ts";
import { written } from "./templates.ts";

/**
 * Sends the mails and the posts of the queue; what is neither goes to the dead letters at once. At
 * least once: a second copy of a mail has the same id, so that receivers can tell; a chat cannot.
 */
export const create =
  ({ mailer, chat }: PortsOf<"notify">): MessageHandler =>
  async ({ id, body }) => {
    const { success, data, error } = message.safeParse(body);
    if (!success)
      throw new PortError("invalid", `notify "${id}": no mail that is known; discard the message`, {
        cause: error,
      });
    if ("chat" in data) return chat.post(data.chat);
    await mailer.send({ to: data.to, ...written(data), id: data.id ?? `notify-${id}` });
  };
