import * as fc from "fast-check";
import type { Saga, Step } from "../../spec/index.ts";

/**
 * How one try goes. "lost": done, and the answer was lost. "late": no answer in time, and the effect
 * comes after that many further calls.
 */
export type Outcome =
  | { readonly how: "ok" | "refused" | "busy" | "lost" | "hangs" }
  | { readonly how: "late"; readonly after: number };

/** A workflow, and how each try of each of its steps goes; tries beyond are ok. */
export interface Play {
  readonly saga: Saga;
  readonly outcomes: Readonly<Record<string, readonly Outcome[]>>;
  /** How often it is started beyond the first time: before, at a call, after its end. */
  readonly startsAgain: readonly number[];
}

/** Time limits are no part of a play: each has this one, so that it can be told from a wait. */
export const limitSeconds = 777;

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ how: "ok" as const }) },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom("refused", "busy", "lost", "hangs")
      .map((how) => ({ how }) as Outcome),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      how: fc.constant("late" as const),
      after: fc.integer({ min: 0, max: 6 }),
    }),
  },
);

const retry = fc.record({
  attempts: fc.integer({ min: 0, max: 3 }),
  backoffSeconds: fc.integer({ min: 1, max: 300 }),
  factor: fc.double({ min: 1, max: 3, noNaN: true }),
});
const declared = fc.record(
  { timeoutSeconds: fc.constant(limitSeconds), retry },
  { requiredKeys: ["timeoutSeconds"] },
);

/** Random workflows of one to five steps with whatever may go wrong. */
export const plays: fc.Arbitrary<Play> = fc
  .record({
    steps: fc.array(fc.record({ step: declared, undo: fc.option(declared, { nil: undefined }) }), {
      minLength: 1,
      maxLength: 5,
    }),
    last: fc.option(declared, { nil: undefined }),
    startsAgain: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 3 }),
  })
  .chain(({ steps, last, startsAgain }) => {
    const saga: Saga = {
      steps: steps.map(({ step, undo }, n) => ({
        ...step,
        name: `do${n}`,
        ...(undo && { compensate: `undo${n}` }),
      })),
      compensations: [
        ...steps.flatMap(({ undo }, n): Step[] => (undo ? [{ ...undo, name: `undo${n}` }] : [])),
        ...(last ? [{ ...last, name: "tell" }] : []),
      ],
      ...(last && { onFailure: "tell" }),
    };
    const names = [...saga.steps, ...(saga.compensations ?? [])].map(({ name }) => name);
    // Long enough to use up most tries, those of the default for compensations too.
    const tries = fc.oneof(
      { weight: 6, arbitrary: fc.array(outcome, { maxLength: 4 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom("busy", "hangs").map((how) => Array(9).fill({ how })),
      },
    );
    return fc
      .record(Object.fromEntries(names.map((name) => [name, tries])))
      .map((outcomes) => ({ saga, outcomes, startsAgain }));
  });
