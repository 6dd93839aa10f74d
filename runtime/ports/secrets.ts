/** The secrets that a workload declares, by name; typed to just these. */
export interface Secrets<Name extends string = string> {
  /**
   * The secret's value. Kept for at most five minutes, so that a rotation is seen.
   * @throws `not-found` where it has no value, `denied` where it may not be read
   */
  get(name: Name): Promise<string>;
}
