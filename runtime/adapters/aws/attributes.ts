import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Json } from "../../ports/index.ts";

/**
 * JSON as DynamoDB's attribute values and back, each value exactly. Not `marshall` of
 * @aws-sdk/util-dynamodb 3.996: it asks an object for its `constructor`, which is a legal name in
 * a document, and refuses whole numbers above 2^53, which are legal JSON.
 */
export function toAttribute(value: Json): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === "string") return { S: value };
  if (typeof value === "boolean") return { BOOL: value };
  if (typeof value === "number") return { N: String(value) };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  return {
    M: Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toAttribute(part)])),
  };
}

/** @throws TypeError for a kind of attribute that JSON does not have: another program wrote it */
export function fromAttribute(attribute: AttributeValue): Json {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.M !== undefined)
    return Object.fromEntries(
      Object.entries(attribute.M).map(([name, part]) => [name, fromAttribute(part)]),
    );
  throw new TypeError(`an attribute of the kind ${Object.keys(attribute)[0]} is no JSON`);
}
