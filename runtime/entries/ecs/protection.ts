/** What keeps the host from ending this process; see runtime/adapters/aws/task-protection.ts. */
export interface Protection {
  hold(): Promise<void>;
  release(): Promise<void>;
}

/** Runs work, and says whether there is any; work that cannot be protected is done all the same. */
export type Protected = (work: () => Promise<void>) => Promise<void>;

/**
 * Work that the host lets finish: protection is held from before the first until after the last
 * that goes on at a time.
 * @param onTrouble hears of protection that was not given or taken back
 */
export function protectedBy(
  protection: Protection | undefined,
  onTrouble: (error: unknown) => void,
): Protected {
  if (!protection) return (work) => work();
  let working = 0;
  let turned = Promise.resolve();
  // One after the other: what was asked for last is what holds.
  const turn = (to: () => Promise<void>) => {
    turned = turned.then(to).catch(onTrouble);
  };
  return async (work) => {
    working++;
    if (working === 1) turn(() => protection.hold());
    await turned;
    try {
      await work();
    } finally {
      working--;
      if (working === 0) turn(() => protection.release());
    }
  };
}
