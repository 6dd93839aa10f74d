import type { Pool } from "pg";
import type { ChallengeRound, HookUser } from "../../ports/index.ts";
import { hashOf, newSecret } from "./tokens.ts";

/** How long a question waits for its answer: as long as Amazon Cognito's. */
const life = "3 minutes";

/** A question that was asked. */
export interface Asked {
  readonly user: HookUser;
  readonly rounds: readonly ChallengeRound[];
  /** Never leaves the database but for the hook that compares. */
  readonly expected: Readonly<Record<string, string>>;
}

/** Keeps a question until it is answered. @returns the session that the answer must name */
export async function keepQuestion(pool: Pool, { user, rounds, expected }: Asked): Promise<string> {
  const { secret, hash } = newSecret();
  await pool.query(
    `with gone as (delete from spillway.challenges where expires_at < now())
     insert into spillway.challenges (hash, user_id, rounds, expected, expires_at)
     values ($1, $2, $3, $4, now() + interval '${life}')`,
    [hash, user.userId, JSON.stringify(rounds), JSON.stringify(expected)],
  );
  return secret;
}

/** Takes a question out, once, for the user who was asked. */
export async function takeQuestion(
  pool: Pool,
  identity: string,
  email: string,
  session: string,
): Promise<Asked | undefined> {
  const { rows } = await pool.query<HookUser & Omit<Asked, "user">>(
    `delete from spillway.challenges c using spillway.users u
     where c.hash = $1 and c.expires_at > now()
       and u.id = c.user_id and u.identity = $2 and u.email = $3
     returning u.id as "userId", u.email, c.rounds, c.expected`,
    [hashOf(session), identity, email],
  );
  const found = rows[0];
  if (!found) return undefined;
  const { userId, rounds, expected } = found;
  return { user: { userId, email: found.email }, rounds, expected };
}
