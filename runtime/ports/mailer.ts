export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same mail for readers that show HTML. */
  readonly html?: string;
  /**
   * The same for each try to send one mail, 1 to 200 printable ASCII characters: becomes its
   * Message-ID (on AWS the header X-Spillway-Id), so that receivers can tell a second copy.
   * Default: a random one
   */
  readonly id?: string;
}

export interface Mailer {
  /**
   * Hands a mail over for delivery.
   * @throws `invalid` for an address that is none, `too-large` over 5 MiB
   */
  send(mail: Mail): Promise<void>;
}
