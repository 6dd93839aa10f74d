/** The function with the same code as a container's: what hosts hold. */
export interface FunctionTwin {
  /**
   * Calls it once with a payload of JSON, and waits for its answer in JSON.
   * @param options.timeoutMs after which nobody waits for it any more
   * @param options.signal as soon as it aborts, nobody does; the function may go on all the same
   * @throws `throttled`, `denied`, `too-large` and `invalid` where it certainly did not begin;
   *   `unavailable` where it may have begun: it failed, or no answer came
   */
  invoke(
    payload: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<string>;
}
