/**
 * The way out where an argument is missing: receives a child's arguments as they would be used and
 * returns what shall be used instead.
 * @example
 * new DataStores("stores", {
 *   system,
 *   secrets,
 *   transform: { table: (args) => ({ ...args, tableClass: "STANDARD_INFREQUENT_ACCESS" }) },
 * });
 */
export type Transform<Args> = (args: Args, name: string) => Args;

/** The arguments of a child after its transform, if there is one. */
export const transformed = <Args>(
  transform: Transform<Args> | undefined,
  name: string,
  args: Args,
): Args => (transform ? transform(args, name) : args);
