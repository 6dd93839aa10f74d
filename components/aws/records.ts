/** The same names, each with what is made of its value. */
export const each = <T, R>(
  record: Readonly<Record<string, T>>,
  make: (name: string, value: T) => R,
): Record<string, R> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(name, value)]));

/** What is made of each item, by the item's name. */
export const byName = <T extends { readonly name: string }, R>(
  items: readonly T[],
  make: (item: T) => R,
): Record<string, R> => Object.fromEntries(items.map((item) => [item.name, make(item)]));

/** What is made for each name. */
export const record = <R>(names: readonly string[], make: (name: string) => R): Record<string, R> =>
  Object.fromEntries(names.map((name) => [name, make(name)]));
