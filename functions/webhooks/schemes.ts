import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { PortError } from "../../runtime/ports/index.ts";

/** A webhook as it came: raw bytes, nothing decoded. */
export interface Delivery {
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The address that the provider called, as it is configured there: public URL, path, query. */
  readonly url: string;
  /** Now, in seconds since 1970. */
  readonly now: number;
}

/** How one provider signs. */
export interface Scheme {
  /** Name of the secret in system.ts. */
  readonly secret: "stripe-webhook" | "github-webhook" | "twilio-webhook" | "standard-webhook";
  /** @returns an id that is the same for each delivery of one event; undefined: not signed so */
  verify(delivery: Delivery, secret: string): string | undefined;
}

/** How far a signed time may be from now, in seconds: five minutes, as both schemes advise. */
const tolerance = 300;

/** Stripe: `t=<seconds>,v1=<hex>[,v1=…]` over `t.body`; several while a secret is rolled. */
const stripe: Scheme = {
  secret: "stripe-webhook",
  verify({ headers, body, now }, secret) {
    const parts = (headers.get("stripe-signature") ?? "").split(",").map((part) => {
      const [name, ...value] = part.trim().split("=");
      return [name, value.join("=")] as const;
    });
    const time = parts.find(([name]) => name === "t")?.[1];
    if (!isRecent(time, now)) return undefined;
    const expected = createHmac("sha256", secret).update(`${time}.`).update(body).digest();
    const given = parts.filter(([name]) => name === "v1").map(([, value]) => fromHex(value));
    return anyEqual(given, expected) ? (jsonId(body) ?? sha256(body)) : undefined;
  },
};

/** GitHub: `X-Hub-Signature-256: sha256=<hex>` over the body. Its delivery id is not signed. */
const github: Scheme = {
  secret: "github-webhook",
  verify({ headers, body }, secret) {
    const [, hex = ""] = /^sha256=(.+)$/.exec(headers.get("x-hub-signature-256") ?? "") ?? [];
    const expected = createHmac("sha256", secret).update(body).digest();
    if (!anyEqual([fromHex(hex)], expected)) return undefined;
    return joined(headers.get("x-github-delivery"), sha256(body));
  },
};

/**
 * Twilio: `X-Twilio-Signature`, base64 of HMAC-SHA1 over the URL and, of a form, its parameters in
 * the order of their names. Other bodies are signed by their hash in the URL, `bodySHA256`.
 */
const twilio: Scheme = {
  secret: "twilio-webhook",
  verify({ headers, body, url }, secret) {
    const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
    const form = new URLSearchParams(
      type === "application/x-www-form-urlencoded" ? Buffer.from(body).toString("utf8") : "",
    );
    const bodyHash = new URLSearchParams(url.split("?").slice(1).join("?")).get("bodySHA256");
    if (bodyHash !== null) {
      if (!anyEqual([fromHex(bodyHash)], Buffer.from(sha256(body), "hex"))) return undefined;
    } else if (form.size === 0 && body.length > 0) {
      return undefined; // Nothing would tie this body to the signature.
    }
    const parameters = [...new Set(form.keys())].sort().map((name) =>
      [...new Set(form.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(""),
    );
    const given = Buffer.from(headers.get("x-twilio-signature") ?? "");
    const matching = withAndWithoutPort(url).find((address) => {
      const hmac = createHmac("sha1", secret).update(address + parameters.join(""));
      return anyEqual([given], Buffer.from(hmac.digest("base64")));
    });
    if (matching === undefined) return undefined;
    // Of a form only the decoded parameters are signed: they are the event, not their spelling.
    const content = form.size > 0 ? sha256(JSON.stringify(parameters)) : sha256(body);
    const id = headers.get("i-twilio-idempotency-token");
    return joined(form.get("MessageSid") ?? form.get("CallSid") ?? id, content);
  },
};

/** https://www.standardwebhooks.com: `v1,<base64>[ v1,…]` over `id.timestamp.body`. */
const standard: Scheme = {
  secret: "standard-webhook",
  verify({ headers, body, now }, secret) {
    const id = headers.get("webhook-id");
    const time = headers.get("webhook-timestamp");
    if (!id || !time || !isRecent(time, now)) return undefined;
    const expected = createHmac("sha256", standardKey(secret))
      .update(`${id}.${time}.`)
      .update(body)
      .digest();
    const given = (headers.get("webhook-signature") ?? "")
      .split(" ")
      .filter((one) => one.startsWith("v1,"))
      .map((one) => Buffer.from(one.slice(3), "base64"));
    return anyEqual(given, expected) ? id : undefined;
  },
};

/** By the name in the path. */
export const schemes: Readonly<Record<string, Scheme>> = {
  stripe,
  github,
  twilio,
  "standard-webhooks": standard,
};

function standardKey(secret: string): Uint8Array {
  const text = secret.replace(/^whsec_/, "");
  if (!/^[\w+/-]{2,}={0,2}$/.test(text))
    throw new PortError(
      "unavailable",
      'secret "standard-webhook": it is no base64; store it as the provider shows it',
    );
  return Buffer.from(text, "base64");
}

const isRecent = (time: string | undefined, now: number): boolean =>
  /^\d{1,12}$/.test(time ?? "") && Math.abs(now - Number(time)) <= tolerance;

/** Node reads hex up to the first other character: only whole digests count. */
const fromHex = (text: string): Uint8Array =>
  /^(?:[\da-f]{2})+$/i.test(text) ? Buffer.from(text, "hex") : new Uint8Array();

const anyEqual = (given: readonly Uint8Array[], expected: Uint8Array): boolean =>
  given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));

const sha256 = (data: Uint8Array | string): string =>
  createHash("sha256").update(data).digest("hex");

const joined = (id: string | null | undefined, content: string): string =>
  id ? `${id}:${content}` : content;

/** The event's own id, where the body is JSON with one. */
function jsonId(body: Uint8Array): string | undefined {
  try {
    const { id } = JSON.parse(Buffer.from(body).toString("utf8")) as { id?: unknown };
    return typeof id === "string" && id !== "" ? id : undefined;
  } catch {
    return undefined;
  }
}

/** Twilio signs some calls with the port in the address and some without. */
function withAndWithoutPort(url: string): readonly string[] {
  const [, scheme, host, port, rest] =
    /^(https?):\/\/([^/?#]+?)(:\d+)?([/?#].*)?$/s.exec(url) ?? [];
  if (!scheme || !host) return [url];
  const own = port ?? (scheme === "https" ? ":443" : ":80");
  return ["", own].map((one) => `${scheme}://${host}${one}${rest ?? ""}`);
}
