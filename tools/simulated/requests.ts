/** Reads what the engine sends: resource types out of URNs, and a provider's settings. */
import { hasUnknown, isObject, isSecret, revealAll, secret, unknown, type Values } from "./wire.ts";

/** `aws:sqs/queue:Queue` of `urn:pulumi:dev::shop::a:b:C$aws:sqs/queue:Queue::orders`. */
export function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** A provider's settings, revealed; those that are not text arrive as JSON. */
export function plainSettings(config: Values): Values {
  const parse = (value: unknown): unknown => {
    if (typeof value !== "string" || !/^([[{]|true$|false$|-?\d+$)/.test(value)) return value;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  };
  return Object.fromEntries(
    Object.entries(revealAll(config)).map(([key, value]) => [key, parse(value)]),
  );
}

/** A resource's tags over the provider's; one that is not known makes the whole unknown. */
export function mergeTags(defaults: Values, tags: unknown): unknown {
  if (hasUnknown(tags)) return unknown;
  if (isSecret(tags)) return secret(mergeTags(defaults, tags.value));
  return { ...defaults, ...(isObject(tags) ? tags : {}) };
}
