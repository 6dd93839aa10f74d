import type { StepHandlers } from "../../runtime/entries/steps.ts";
import { type Json, PortError, type StepContext } from "../../runtime/ports/index.ts";
import type { Outcome, Play } from "./sagas.ts";

/** What a try does that never answers: waits until it is given up, however a host does that. */
export type GiveUp = () => Promise<never>;

/**
 * What an execution does to the world. Each step has one effect, which the step that undoes it
 * takes back, leaving a tombstone: an effect that comes later is refused.
 */
export function worldOf(play: Play, giveUp: GiveUp) {
  const calls: { readonly step: string; readonly context: StepContext }[] = [];
  const effects = new Map<string, "done" | "tombstone">();
  let late: readonly { readonly at: number; readonly effect: () => void }[] = [];
  const tries = new Map<string, number>();
  const undoes = new Map(play.saga.steps.map(({ name, compensate }) => [compensate, name]));

  const take = (step: string) => {
    const undone = undoes.get(step);
    if (undone) effects.set(undone, "tombstone");
    else if (effects.get(step) === "tombstone")
      throw new PortError("conflict", `${step} was undone before it was done`);
    else effects.set(step, "done");
  };
  const come = (calls: number) => {
    const due = late.filter(({ at }) => at < calls);
    late = late.filter(({ at }) => at >= calls);
    for (const { effect } of due)
      try {
        effect();
      } catch {
        // Its tombstone refused it, and nobody is there to be told.
      }
  };

  const attempt = async (step: string, context: StepContext): Promise<Json> => {
    calls.push({ step, context });
    come(calls.length);
    const n = tries.get(step) ?? 0;
    tries.set(step, n + 1);
    const outcome: Outcome = play.outcomes[step]?.[n] ?? { how: "ok" };
    switch (outcome.how) {
      case "ok":
        take(step);
        return { step, try: n };
      case "refused":
        throw new PortError("denied", `${step} is refused, "quoted" \\ and all`);
      case "busy":
        throw new PortError("unavailable", `${step} is busy, try ${n}`);
      case "lost":
        take(step);
        throw new Error(`${step}: the answer was lost`);
      case "late":
        late = [...late, { at: calls.length + outcome.after, effect: () => take(step) }];
        return giveUp();
      case "hangs":
        return giveUp();
    }
  };
  const names = [...play.saga.steps, ...(play.saga.compensations ?? [])].map(({ name }) => name);
  const handlers: StepHandlers = Object.fromEntries(
    names.map((name) => [name, (context: StepContext) => attempt(name, context)]),
  );
  return {
    handlers,
    calls,
    /** Everything that was under way has come to its end: what is done now stays done. */
    effects(): ReadonlyMap<string, "done" | "tombstone"> {
      come(Number.POSITIVE_INFINITY);
      return effects;
    },
  };
}

export type World = ReturnType<typeof worldOf>;
