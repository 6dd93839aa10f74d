/** A resource of one cloud that the system uses as it is. */
export interface Native {
  /** Which one, for the cloud's own client. */
  readonly arn: string;
}
