import { randomInt, randomUUID, timingSafeEqual } from "node:crypto";
import type { Pool } from "pg";
import type { HookUser } from "../../ports/index.ts";
import { hashOf, newSecret } from "./tokens.ts";

/** How long a code holds: as long as Amazon Cognito's. */
const codeLife = "24 hours";
/** Wrong codes after which a new one must be asked for. */
const codeTries = 5;

export interface User extends HookUser {
  readonly password: string;
  readonly confirmed: boolean;
}

/** The users of one identity in the database; times are the database's own. */
export function usersOf(pool: Pool, identity: string) {
  const setCode = async (userId: string): Promise<string> => {
    const code = randomInt(1_000_000).toString().padStart(6, "0");
    await pool.query(
      `update spillway.users set code_hash = $2, code_tries = 0,
         code_expires = now() + interval '${codeLife}'
       where id = $1`,
      [userId, hashOf(`${userId} ${code}`)],
    );
    return code;
  };
  return {
    async find(email: string): Promise<User | undefined> {
      const { rows } = await pool.query<User>(
        `select id as "userId", email, password, confirmed from spillway.users
         where identity = $1 and email = $2`,
        [identity, email],
      );
      return rows[0];
    },

    /** Undefined where the address has one. */
    async add(email: string, password: string, confirmed: boolean): Promise<HookUser | undefined> {
      const userId = randomUUID();
      const { rowCount } = await pool.query(
        `insert into spillway.users (id, identity, email, password, confirmed)
         values ($1, $2, $3, $4, $5) on conflict do nothing`,
        [userId, identity, email, password, confirmed],
      );
      return rowCount === 1 ? { userId, email } : undefined;
    },

    /** A new code for the mail; the one before holds no more. */
    setCode,

    /** Undefined for a wrong, used or expired code, and after too many of them. */
    async confirm(email: string, code: string): Promise<HookUser | undefined> {
      // The try is counted before the comparison, so that tries at the same time count too.
      const { rows } = await pool.query<HookUser & { hash: Buffer }>(
        `update spillway.users set code_tries = code_tries + 1
         where identity = $1 and email = $2 and not confirmed
           and code_expires > now() and code_tries < ${codeTries}
         returning id as "userId", email, code_hash as hash`,
        [identity, email],
      );
      const found = rows[0];
      if (!found || !timingSafeEqual(found.hash, hashOf(`${found.userId} ${code}`)))
        return undefined;
      const { rowCount } = await pool.query(
        `update spillway.users set confirmed = true, code_hash = null, code_expires = null
         where id = $1 and code_hash = $2 and not confirmed`,
        [found.userId, found.hash],
      );
      return rowCount === 1 ? { userId: found.userId, email: found.email } : undefined;
    },

    /** A refresh token, which the database cannot give back. */
    async addRefreshToken(userId: string, days: number): Promise<string> {
      const { secret, hash } = newSecret();
      await pool.query(
        `with gone as (delete from spillway.refresh_tokens where user_id = $2 and expires_at < now())
         insert into spillway.refresh_tokens (hash, user_id, expires_at)
         values ($1, $2, now() + interval '1 day' * $3)`,
        [hash, userId, days],
      );
      return secret;
    },

    async findByRefreshToken(token: string): Promise<HookUser | undefined> {
      const { rows } = await pool.query<HookUser>(
        `select u.id as "userId", u.email from spillway.refresh_tokens t
         join spillway.users u on u.id = t.user_id
         where t.hash = $1 and t.expires_at > now() and u.identity = $2`,
        [hashOf(token), identity],
      );
      return rows[0];
    },

    async removeRefreshTokens(userId: string): Promise<void> {
      await pool.query("delete from spillway.refresh_tokens where user_id = $1", [userId]);
    },
  };
}
