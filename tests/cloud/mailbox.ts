import type { Cloud } from "./cloud.ts";

/** What SES is sent, as far as it is read here. */
interface Sent {
  readonly Destination: { readonly ToAddresses: readonly string[] };
  readonly Content: { readonly Simple: { readonly Subject: { readonly Data: string } } };
}

/** Subjects of the mails to an address that SES has taken. */
export const mailsTo = ({ wire }: Cloud, address: string): readonly string[] =>
  wire.calls
    .filter(({ service, status }) => service === "ses" && status === 200)
    .map(({ body }) => JSON.parse(body) as Sent)
    .filter(({ Destination }) => Destination.ToAddresses.includes(address))
    .map(({ Content }) => Content.Simple.Subject.Data);
