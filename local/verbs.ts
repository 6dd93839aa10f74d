/** An adapter with the declared verbs and no more: a call that the cloud would refuse is not there. */
export function onlyVerbs(adapter: object, verbs: readonly string[]): object {
  const all = adapter as Record<string, unknown>;
  return Object.fromEntries(
    verbs.map((verb) => {
      const value = all[verb];
      return [verb, typeof value === "function" ? value.bind(adapter) : value];
    }),
  );
}
