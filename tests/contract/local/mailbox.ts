import { createServer } from "node:net";
import { SMTPServer } from "smtp-server";

/** A mail as it came over SMTP. */
export interface Received {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and content, as text. */
  readonly source: string;
}

export interface Mailbox {
  readonly url: string;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/**
 * A mail server on loopback that takes everything, or refuses as it is told.
 * @param refuse called at each RCPT TO and at the end of each DATA; what it gives is answered
 */
export async function startMailbox(
  refuse: (at: "RCPT TO" | "DATA") => { code: number; text: string } | undefined = () => undefined,
): Promise<Mailbox> {
  const received: Received[] = [];
  const refusal = (at: "RCPT TO" | "DATA") => {
    const { code, text } = refuse(at) ?? {};
    return code ? Object.assign(new Error(text), { responseCode: code }) : undefined;
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    onAuth: (_, __, done) => done(new Error("wrong")),
    onRcptTo: (_, __, done) => done(refusal("RCPT TO")),
    onData(stream, { envelope: { mailFrom, rcptTo } }, done) {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        const refused = refusal("DATA");
        if (refused) return done(refused);
        received.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          source: Buffer.concat(parts).toString(),
        });
        done();
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.server.address() as { port: number };
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

/** The address of a server that is not there. */
export async function nobodyThere(): Promise<string> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return `smtp://127.0.0.1:${port}`;
}
