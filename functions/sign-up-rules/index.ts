import { type IdentityHooks, PortError } from "../../runtime/ports/index.ts";

/** Providers of throw-away addresses; their subdomains count too. */
const disposable = [
  "10minutemail.com",
  "discard.email",
  "getnada.com",
  "guerrillamail.com",
  "maildrop.cc",
  "mailinator.com",
  "sharklasers.com",
  "temp-mail.org",
  "trashmail.com",
  "yopmail.com",
];

/** Why an address may not sign up, or `undefined`. */
export function refusal(email: string): string | undefined {
  const [, domain] = /^[^\s@]{1,64}@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i.exec(email) ?? [];
  if (!domain) return "This is not a mail address.";
  const name = domain.toLowerCase();
  return disposable.some((one) => name === one || name.endsWith(`.${one}`))
    ? "Please use an address that you will keep."
    : undefined;
}

/** Who may sign up, and what tokens say of a customer. */
export const create = (): Required<Pick<IdentityHooks, "preSignUp" | "preToken">> => ({
  async preSignUp({ email }) {
    const reason = refusal(email);
    if (reason) throw new PortError("denied", reason);
    return undefined;
  },
  async preToken() {
    return { claims: { tier: "customer" } };
  },
});
