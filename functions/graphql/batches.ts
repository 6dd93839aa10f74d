/**
 * Reads by key, each once a request: what is asked for in one turn is read together.
 * @param load answers by key; absent keys are `undefined`
 */
export function batched<T>(
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (key: string) => Promise<T | undefined> {
  const known = new Map<string, Promise<T | undefined>>();
  let next:
    | { readonly keys: string[]; readonly loaded: Promise<ReadonlyMap<string, T>> }
    | undefined;
  return (key) => {
    const before = known.get(key);
    if (before) return before;
    if (!next) {
      const keys: string[] = [];
      const loaded = Promise.resolve().then(() => {
        next = undefined;
        return load(keys);
      });
      next = { keys, loaded };
    }
    next.keys.push(key);
    const found = next.loaded.then((values) => values.get(key));
    known.set(key, found);
    return found;
  };
}
