/**
 * How the engine writes special values inside JSON: secrets, unknowns, assets. The marks are
 * fixed by Pulumi's protocol; they stand here so that a plugin starts without loading the SDK.
 */
import { createHash } from "node:crypto";

const mark = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";
const assetMarks = ["c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"];

/** What stands for a value that is not known before the deployment. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** The engine has one mark per type for unknowns; all mean the same here. */
const unknowns = new Set([
  unknown,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

export type Values = Record<string, unknown>;

export const isUnknown = (value: unknown): boolean =>
  typeof value === "string" && unknowns.has(value);

export const isObject = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isSecret = (value: unknown): value is Values & { value: unknown } =>
  isObject(value) && value[mark] === secretMark;

export const isAsset = (value: unknown): value is Values =>
  isObject(value) && assetMarks.includes(String(value[mark]));

/** Marks a value as secret, so that the engine encrypts it in the state. */
export function secret(value: unknown): Values {
  return isSecret(value) ? value : { [mark]: secretMark, value };
}

/** The value without its secret marks, at any depth. For checks and comparisons only. */
export function reveal(value: unknown): unknown {
  if (isSecret(value)) return reveal(value.value);
  if (Array.isArray(value)) return value.map(reveal);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
}

export const revealAll = (values: Values): Values => reveal(values) as Values;

/** Whether anything inside is not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value).some(hasUnknown);
}

/** JSON with sorted keys: equal values give equal text. An asset counts by its content. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isAsset(value) && value.hash) return `asset:${value.hash}`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

export const digest = (value: unknown): string =>
  createHash("sha256").update(canonical(value)).digest("hex");

/** For the simulated cloud's files: every secret replaced by its digest. */
export function seal(value: unknown): unknown {
  if (isSecret(value)) return { sealed: digest(reveal(value)) };
  if (Array.isArray(value)) return value.map(seal);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, seal(inner)]));
}

/** Puts back the secrets that `known` still holds; another digest is a change made elsewhere. */
export function unseal(stored: unknown, known: unknown): unknown {
  if (isObject(stored) && typeof stored.sealed === "string")
    return digest(reveal(known)) === stored.sealed ? secret(known) : secret("changed elsewhere");
  const plain = isSecret(known) ? known.value : known;
  if (Array.isArray(stored))
    return stored.map((inner, i) => unseal(inner, Array.isArray(plain) ? plain[i] : undefined));
  if (!isObject(stored)) return stored;
  const entries = Object.entries(stored);
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, unseal(inner, isObject(plain) ? plain[key] : undefined)]),
  );
}
