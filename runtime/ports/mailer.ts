export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same mail for readers that show HTML. */
  readonly html?: string;
  /**
   * The same for each try to send one mail, 1 to 200 printable ASCII characters: becomes its
   * Message-ID, so that receivers can tell a second copy. Default: a random one
   */
  readonly id?: string;
}

export interface Mailer {
  /** Hands a mail over for delivery. Throws `invalid` for an address that is none. */
  send(mail: Mail): Promise<void>;
}
