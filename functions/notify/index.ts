import * as z from "zod/mini";
import { type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

const to = z.string().check(z.email());

const mail = z.discriminatedUnion("template", [
  z.strictObject({ template: z.literal("welcome"), to, data: z.strictObject({}) }),
  z.strictObject({
    template: z.literal("code"),
    to,
    data: z.strictObject({ code: z.string().check(z.regex(/^\d{6}$/)) }),
  }),
]);

function textOf(message: z.infer<typeof mail>): { subject: string; text: string } {
  switch (message.template) {
    case "welcome":
      return {
        subject: "Welcome to the shop",
        text: "Your address is confirmed. Sign in whenever you like.",
      };
    case "code":
      return {
        subject: "Your code to sign in",
        text: `Your code is ${message.data.code}. If you did not ask for it, ignore this mail.`,
      };
  }
}

/** Sends the mails of the queue. What is no known mail goes to the dead letters at once. */
export const create =
  ({ mailer }: PortsOf<"notify">): MessageHandler =>
  async ({ id, body }) => {
    const { success, data, error } = mail.safeParse(body);
    if (!success)
      throw new PortError("invalid", `notify "${id}": no mail that is known; discard the message`, {
        cause: error,
      });
    await mailer.send({ to: data.to, ...textOf(data) });
  };
