/** A webhook as it stands in the queue. */
export interface Webhook {
  readonly source: string;
  readonly contentType: string;
  readonly encoding: "utf-8" | "base64";
  readonly body: string;
}

export type Content =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "form"; readonly fields: URLSearchParams }
  | { readonly kind: "bytes" }
  /** It is not what its provider says that it is. */
  | { readonly kind: "malformed"; readonly reason: string };

/**
 * What a webhook's body holds. Stripe sends nothing but JSON, whatever its type says; the others
 * are taken at their word.
 */
export function contentOf({ source, contentType, encoding, body }: Webhook): Content {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  const isJson = source === "stripe" || /^application\/(?:[\w.+-]+\+)?json$/.test(type);
  const isForm = type === "application/x-www-form-urlencoded";
  if (!isJson && !isForm) return { kind: "bytes" };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(
      Buffer.from(body, encoding === "base64" ? "base64" : "utf8"),
    );
  } catch {
    return { kind: "malformed", reason: "the body is not UTF-8" };
  }
  if (isForm && !isJson) return { kind: "form", fields: new URLSearchParams(text) };
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    return { kind: "malformed", reason: "the body is not JSON" };
  }
}
