/** A post, in the blocks of Slack's Block Kit that every chat can show as text. */
export interface Post {
  /** What notifications show, and what stands where there are no blocks. */
  readonly text: string;
  readonly blocks?: readonly PostBlock[];
}
export type PostBlock =
  | { readonly type: "header"; readonly text: string }
  /** Slack's mrkdwn: `*bold*`, `_italic_`, `<https://example.com|link>`. */
  | { readonly type: "section"; readonly text: string }
  | { readonly type: "fields"; readonly fields: readonly string[] };

export interface Chat {
  /**
   * Posts to the channel. Not idempotent: incoming webhooks know no key.
   * @throws `invalid` where the channel refuses the post, `throttled`, `unavailable`; with
   *   `undone` where the post is surely not there
   */
  post(post: Post): Promise<void>;
}
