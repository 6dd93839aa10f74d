import type { ChangeHandler, Json, JsonObject, TableChange } from "../../ports/index.ts";
import { outcomeOf } from "../outcome.ts";
import type { BatchAnswer, LambdaContext } from "./context.ts";
import { answerTo, endings, type InOrderOptions, outOfTime, type Stop } from "./in-order.ts";

/** What DynamoDB Streams hand to a function, as far as it is read here: new and old images. */
export interface ChangesEvent {
  readonly Records: readonly ChangeRecord[];
}
export interface ChangeRecord {
  readonly eventID: string;
  readonly dynamodb: {
    /** Seconds since 1970. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Image;
    readonly OldImage?: Image;
    readonly NewImage?: Image;
    readonly SequenceNumber: string;
  };
}
/** Attributes in DynamoDB's JSON, such as `{ "pk": { "S": "USER#1" } }`. */
type Image = Readonly<Record<string, Json>>;

export interface ChangesOptions extends InOrderOptions {
  /** One attribute as JSON: the table adapter's. Throws for a kind that JSON does not have. */
  readonly decode: (attribute: never) => Json;
}

/**
 * A workload that reads a table's change feed as a Lambda function behind DynamoDB Streams, with
 * NEW_AND_OLD_IMAGES, ReportBatchItemFailures and BisectBatchOnFunctionError. One change after the
 * other: one that is invalid, or not a document's, is set aside; any other error leaves the changes
 * from there on for the next delivery. What `once` notes for itself is no change.
 * @example
 * export const handler = lambdaChanges(create(ports), { decode: fromAttribute, deadLetters });
 */
export function lambdaChanges(handler: ChangeHandler, options: ChangesOptions) {
  const decode = options.decode as (attribute: Json) => Json;
  const { stopAt, setAside } = endings(options);

  /** @returns where it had to stop */
  async function settle(record: ChangeRecord, context: LambdaContext): Promise<Stop | undefined> {
    const { Keys, SequenceNumber: sequence } = record.dynamodb;
    if (isNote(Keys)) return undefined;
    const late = outOfTime(context);
    if (late) return stopAt(sequence, late);
    let change: TableChange;
    try {
      change = changeOf(record, decode);
    } catch (error) {
      const { OldImage = null, NewImage = null } = record.dynamodb;
      const head = { id: record.eventID, sequence, keys: Keys };
      return setAside(sequence, { head, content: { OldImage, NewImage } }, error);
    }
    try {
      await handler(change);
      return undefined;
    } catch (error) {
      if (outcomeOf(error) === "retry") return stopAt(sequence, error);
      const { id, key, at, before, after } = change;
      const head = { id, sequence, key: { ...key }, at: at.toISOString() };
      return setAside(sequence, { head, content: { before, after } }, error);
    }
  }

  return async ({ Records }: ChangesEvent, context: LambdaContext): Promise<BatchAnswer> => {
    for (const record of Records) {
      const stop = await settle(record, context);
      if (stop) return answerTo(Records[0]?.dynamodb.SequenceNumber, stop);
    }
    return answerTo(undefined, undefined);
  };
}

const textIn = (image: Image, name: string): string | undefined => {
  const text = (image[name] as { readonly S?: Json } | undefined)?.S;
  return typeof text === "string" ? text : undefined;
};

/** What `once` keeps of the keys that it has seen; no document's pk has a NUL. */
const isNote = (keys: Image): boolean => textIn(keys, "pk")?.startsWith("\0") ?? false;

function changeOf(
  { eventID, dynamodb }: ChangeRecord,
  decode: (attribute: Json) => Json,
): TableChange {
  const { Keys, OldImage, NewImage, ApproximateCreationDateTime } = dynamodb;
  const pk = textIn(Keys, "pk");
  const sk = textIn(Keys, "sk");
  if (pk === undefined || sk === undefined) throw foreign;
  const documentOf = ({ document = null }: Image): JsonObject => {
    const value = document === null ? null : decode(document);
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw foreign;
    return value as JsonObject;
  };
  return {
    id: eventID,
    key: { pk, sk },
    ...(OldImage && { before: documentOf(OldImage) }),
    ...(NewImage && { after: documentOf(NewImage) }),
    at: new Date(ApproximateCreationDateTime * 1000),
  };
}

const foreign = new Error("it is no item with pk, sk and document; another program wrote it");
