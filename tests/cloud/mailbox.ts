import { emulator } from "../contract/aws/emulator.ts";

interface Kept {
  readonly subject: string;
  readonly destinations: { readonly ToAddresses: readonly string[] };
}

/** Subjects of the mails to an address that SES has taken. */
export async function mailsTo(address: string): Promise<readonly string[]> {
  const answer = await fetch(`${emulator.endpoint}/moto-api/data.json`);
  const { ses } = (await answer.json()) as { readonly ses: { readonly Message: readonly Kept[] } };
  return ses.Message.filter((one) => one.destinations.ToAddresses.includes(address)).map(
    ({ subject }) => subject,
  );
}
