export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Mailer {
  /** Hands a mail over for delivery. Throws `invalid` for an address that is none. */
  send(mail: Mail): Promise<void>;
}
