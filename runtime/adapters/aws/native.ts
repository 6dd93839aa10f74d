import type { Native } from "../../ports/index.ts";

/**
 * A resource of AWS that a system uses as it is. Its declaration says what may be done with it.
 * @param options.location its ARN
 */
export const native = ({
  location,
}: {
  readonly name: string;
  readonly location: string;
}): Native => ({
  arn: location,
});
