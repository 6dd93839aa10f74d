import type { LambdaContext } from "../../../runtime/entries/lambda/context.ts";
import type { DeadLetters, Trouble } from "../../../runtime/entries/outcome.ts";

/** An invocation with as much time as is said, in milliseconds. */
export const invocation = (remaining: number | (() => number) = 30_000): LambdaContext => ({
  getRemainingTimeInMillis: () => (typeof remaining === "number" ? remaining : remaining()),
});

/** Dead letters that are kept here; while `broken`, none can be stored. */
export function keptLetters() {
  const letters: { readonly body: string; readonly reason: string }[] = [];
  const state = { broken: false };
  const deadLetters: DeadLetters = {
    async setAside(body, reason) {
      if (state.broken) throw new Error("the dead letters cannot be reached");
      letters.push({ body, reason });
    },
  };
  return { letters, deadLetters, state };
}

/** What went wrong, as it was told. */
export function heard() {
  const troubles: Trouble[] = [];
  const onTrouble = (trouble: Trouble) => void troubles.push(trouble);
  return { troubles, onTrouble };
}
