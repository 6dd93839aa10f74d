/** The function of Pulumi's SDK that notes a stack with each promise (runtime/debuggable.ts, 3.256). */
const noting = "debuggablePromise";

/**
 * Leaves out the stacks that Pulumi's SDK notes with each of its promises. It shows them under
 * PULUMI_DEBUG_PROMISE_LEAKS alone, and there they stay; to write them out, with a look into source
 * maps for each line, was half of what a preview of 500 resources took. Every other stack is as before.
 * @example
 * skipPromiseStacks();
 */
export function skipPromiseStacks(): void {
  if (process.env.PULUMI_DEBUG_PROMISE_LEAKS) return;
  const before = Error.prepareStackTrace ?? plainly;
  Error.prepareStackTrace = (error, sites) =>
    sites[0]?.getFunctionName() === noting ? "" : before(error, sites);
}

/** As V8 writes it. */
const plainly = (error: Error, sites: readonly NodeJS.CallSite[]): string =>
  [`${error}`, ...sites].join("\n    at ");
