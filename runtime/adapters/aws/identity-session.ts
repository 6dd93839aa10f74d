/** What an answer to a challenge needs beside the answer itself. */
export interface ChallengeSession {
  readonly email: string;
  /** Cognito's own name of the user: it takes no alias, such as an e-mail address, in an answer. */
  readonly username: string;
  readonly session: string;
}

/** A session as one text for the client. It proves nothing: Cognito checks its own part. */
export const packSession = ({ email, username, session }: ChallengeSession): string =>
  Buffer.from(JSON.stringify([email, username, session])).toString("base64url");

/** The session that was packed, or `undefined` for text that is none. */
export function unpackSession(packed: string): ChallengeSession | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(packed, "base64url").toString("utf8"));
    if (!Array.isArray(parts) || parts.some((part) => typeof part !== "string")) return undefined;
    const [email, username, session] = parts as string[];
    return email && username && session ? { email, username, session } : undefined;
  } catch {
    return undefined;
  }
}
