import type { Pool } from "pg";
import type { Chat, Post } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { postToSlack, slackMessage } from "../slack.ts";
import { guarded } from "./postgres-faults.ts";

/** A post as the dashboard shows it. */
export interface CapturedPost {
  readonly id: string;
  /** Name of the chat in system.ts. */
  readonly chat: string;
  readonly post: Post;
  readonly at: Date;
}

/**
 * Captures posts in Postgres, and posts them to an incoming webhook too where there is one: first,
 * so that what is refused and tried again is captured once.
 * @param options.name of the chat in system.ts
 * @param options.url of a webhook, https, or http on this machine. Default: none
 */
export function chat(options: {
  readonly name: string;
  readonly pool: Pool;
  readonly url?: string;
}): Chat & { posts(limit: number): Promise<readonly CapturedPost[]> } {
  const { name, pool, url } = options;
  const fault = faultsOf("chat", name);
  return {
    async post(post) {
      // Refused here as there: what cannot be posted is no post.
      if (url) await postToSlack(fault, url, post);
      else slackMessage(fault, post);
      const text = JSON.stringify(post);
      await guarded(fault, () =>
        pool.query("insert into spillway.posts (chat, post) values ($1, $2)", [name, text]),
      );
    },

    /** The newest first. */
    posts: (limit) =>
      guarded(fault, async () => {
        const { rows } = await pool.query<CapturedPost>(
          `select id, chat, post, posted_at as at from spillway.posts
           where chat = $1 order by posts.id desc limit $2`,
          [name, limit],
        );
        return rows;
      }),
  };
}
