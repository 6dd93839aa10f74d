import type { IdentityHooks } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

/** Greets a new user by mail, through the queue. */
export const create = ({
  mails,
}: PortsOf<"welcome">): Required<Pick<IdentityHooks, "postConfirmation">> => ({
  async postConfirmation({ email }) {
    await mails.send({ template: "welcome", to: email, data: {} });
  },
});
