import * as pulumi from "@pulumi/pulumi";
import { type Fault, refuse } from "./faults.ts";

export { type Fault, refuse } from "./faults.ts";

/**
 * What is wrong with an input, where that can be said before any resource is made.
 * @param check says what is wrong with the value, or nothing
 */
export const plainFaults = <T>(
  input: pulumi.Input<T> | undefined,
  check: (value: T) => Fault | undefined,
): Fault[] => {
  if (input === undefined || pulumi.Output.isInstance(input) || input instanceof Promise) return [];
  const fault = check(input as T);
  return fault === undefined ? [] : [fault];
};

/**
 * The same check for a value that is only known later: an error inside its `apply`.
 * @throws {Error} (in the output) `component "name": fault`
 */
export const checked = <T>(
  component: string,
  name: string,
  input: pulumi.Input<T>,
  check: (value: T) => Fault | undefined,
): pulumi.Output<T> =>
  (pulumi.output(input) as pulumi.Output<T>).apply((value) => {
    const fault = check(value);
    if (fault !== undefined) refuse(component, name, [fault]);
    return value;
  });

/** Retentions that CloudWatch Logs takes, in days (API reference, PutRetentionPolicy). */
const retentions = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
];

/** What is wrong with a retention in days. */
export const retentionFault = (days: number): Fault | undefined =>
  retentions.includes(days)
    ? undefined
    : `logRetentionDays ${days}; use one of ${retentions.join(", ")}`;

/** What is wrong with CORS: `*` together with credentials, or an origin that is none. */
export function corsFault(cors: {
  readonly origins: readonly string[];
  readonly methods?: readonly string[];
  readonly headers?: readonly string[];
  readonly credentials?: boolean;
}): Fault | undefined {
  // With credentials browsers take a "*" for methods and headers by the letter.
  for (const part of ["origins", "methods", "headers"] as const)
    if (cors.credentials && cors[part]?.includes("*"))
      return `cors ${part} "*" with credentials; name the ${part}, or leave credentials out`;
  const odd = cors.origins.find((origin) => origin !== "*" && !isOrigin(origin));
  return odd === undefined
    ? undefined
    : `cors origin "${odd}"; write scheme and host, such as "https://shop.example"`;
}

/** "https://*" would be any origin again: to a gateway a "*" anywhere is a wildcard. */
const isOrigin = (text: string): boolean =>
  URL.canParse(text) && new URL(text).origin === text && !text.includes("*");
