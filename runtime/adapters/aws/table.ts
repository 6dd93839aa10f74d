import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import type { Item, JsonObject, Key, Table } from "../../ports/index.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { checkKey, checkName, checkPrefix, checkWhole } from "../limits.ts";
import { collectWrites, putOf, type Write } from "../writes.ts";
import { fromAttribute, toAttribute } from "./attributes.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf, nameOf, portError, whileInTheWay } from "./errors.ts";

const shared = lazy(() => new DynamoDBClient(clientSettings()));

const absent = { ConditionExpression: "attribute_not_exists(pk)" };
/** DynamoDB compares text by its UTF-8 bytes. A field that is no text counts as absent. */
const newer = ({ field, value }: NonNullable<Write["ifNewer"]>) => ({
  ConditionExpression:
    "attribute_not_exists(pk) OR NOT attribute_type(document.#field, :text) OR document.#field < :value",
  ExpressionAttributeNames: { "#field": field },
  ExpressionAttributeValues: { ":value": text(value), ":text": text("S") },
});
const text = (S: string): AttributeValue => ({ S });
const keyItem = ({ pk, sk }: Key) => ({ pk: text(pk), sk: text(sk) });
/** Where it is noted that a key was seen; no document's pk can have a NUL. */
const seenKey = (key: string): Key => ({ pk: `\0once#${key}`, sk: "once" });

/**
 * Documents in a DynamoDB table with the keys `pk` and `sk`, both text.
 * Needs dynamodb:GetItem for get, Query for query, PutItem for put, DeleteItem for delete; for
 * once PutItem, and DeleteItem where its writes delete.
 * @param options.name the store's, for messages
 * @param options.location the table's name
 * @param options.client default: one of this process, made at its first use
 */
export function table(options: {
  readonly name: string;
  readonly location: string;
  readonly client?: DynamoDBClient;
}): Table {
  const { name, location: TableName } = options;
  const client = () => options.client ?? shared();
  const fault = faultsOf("table", name);

  const toPut = ({ key, document = {}, ifAbsent, ifNewer }: Write) => ({
    TableName,
    Item: { ...keyItem(key), document: toAttribute(document) },
    ...(ifAbsent ? absent : {}),
    ...(ifNewer ? newer(ifNewer) : {}),
  });
  const toItem = (item: Record<string, AttributeValue>): Item => {
    const { pk, sk, document } = item;
    if (pk?.S === undefined || sk?.S === undefined || document?.M === undefined)
      throw fault("invalid", "an item without pk, sk and document; another program wrote it");
    return { pk: pk.S, sk: sk.S, document: documentOf(fault, document) };
  };
  /** Waits out the transactions of others on the same item. */
  const write = (call: () => Promise<unknown>) =>
    answerOf(
      fault,
      whileInTheWay((error) => nameOf(error) === "TransactionConflictException", call),
    );

  return {
    async get(key) {
      checkKey(fault, key);
      const { Item } = await answerOf(
        fault,
        client().send(new GetItemCommand({ TableName, Key: keyItem(key), ConsistentRead: true })),
      );
      return Item && toItem(Item).document;
    },

    async query(pk, { prefix = "", limit = 100, cursor, descending = false } = {}) {
      checkName(fault, "pk", pk);
      checkPrefix(fault, prefix);
      checkWhole(fault, "limit", limit, 1, 1000);
      const asked = [pk, prefix, descending ? "descending" : "ascending"];
      const after = cursor === undefined ? undefined : readCursor(fault, asked, cursor);
      const { Items = [], LastEvaluatedKey } = await answerOf(
        fault,
        client().send(
          new QueryCommand({
            TableName,
            KeyConditionExpression: prefix ? "pk = :pk AND begins_with(sk, :prefix)" : "pk = :pk",
            ExpressionAttributeValues: {
              ":pk": text(pk),
              ...(prefix ? { ":prefix": text(prefix) } : {}),
            },
            // One more than asked tells whether there is a next page.
            Limit: limit + 1,
            ScanIndexForward: !descending,
            ...(after === undefined ? {} : { ExclusiveStartKey: keyItem({ pk, sk: after }) }),
          }),
        ),
      );
      // A page also ends at 1 MB. Its last item then opens the next page, which so is not empty.
      const more = LastEvaluatedKey !== undefined || Items.length > limit;
      const items = (more ? Items.slice(0, -1) : Items).map(toItem);
      const last = items.at(-1);
      return more && last ? { items, cursor: writeCursor(asked, last.sk) } : { items };
    },

    async put(key, document, options) {
      const put = toPut(putOf(fault, key, document, options));
      await write(() => client().send(new PutItemCommand(put)));
    },

    async delete(key) {
      checkKey(fault, key);
      await write(() => client().send(new DeleteItemCommand({ TableName, Key: keyItem(key) })));
    },

    async once(key, fn) {
      checkName(fault, "key", key);
      const writes = await collectWrites(fault, fn);
      const toAction = (one: Write): TransactWriteItem =>
        one.document === undefined
          ? { Delete: { TableName, Key: keyItem(one.key) } }
          : { Put: toPut(one) };
      const seen = { Put: { TableName, Item: keyItem(seenKey(key)), ...absent } };
      try {
        await whileInTheWay(
          (error) => reasonsOf(error).includes("TransactionConflict"),
          () =>
            client().send(
              new TransactWriteItemsCommand({ TransactItems: [seen, ...writes.map(toAction)] }),
            ),
        );
        return true;
      } catch (error) {
        const reasons = reasonsOf(error);
        if (reasons[0] === "ConditionalCheckFailed") return false;
        throw portError(fault, error, { TransactionCanceledException: codeOfReasons(reasons) });
      }
    },
  };
}

function documentOf(fault: Fault, attribute: AttributeValue): JsonObject {
  try {
    return fromAttribute(attribute) as JsonObject;
  } catch (cause) {
    throw fault("invalid", "a document that is no JSON; another program wrote it", cause);
  }
}

const reasonsOf = (error: unknown): readonly string[] =>
  error instanceof TransactionCanceledException
    ? (error.CancellationReasons ?? []).map((reason) => reason.Code ?? "None")
    : [];

function codeOfReasons(reasons: readonly string[]) {
  if (reasons.includes("ConditionalCheckFailed")) return "conflict";
  if (reasons.includes("ItemCollectionSizeLimitExceeded")) return "too-large";
  if (reasons.includes("ValidationError")) return "invalid";
  return "throttled";
}
