import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import type { Failure, Image, Order } from "./plan.ts";
import type { Receivers } from "./receivers.ts";

/** Somebody outside, who asks again with the same key until there is an answer. */
export interface Client {
  /** Requests that were sent again, for want of an answer. */
  readonly retries: number;
  /** Signs a user in, unless that was done lately. */
  signed(user: number): Promise<Signed>;
  /** @returns the order's id */
  order(order: Order): Promise<string>;
  /** @returns the object's key */
  upload(image: Image): Promise<string>;
  /** The provider's webhook of a payment that failed. */
  tell(failure: Failure): Promise<void>;
}

export const webhookSecret = "whsec_drill";
/** A fault that lasts so long is none that a kill explains, in milliseconds. */
const patienceMs = 180_000;
const password = "Analytical-Engine-1";
export const addressOf = (user: number): string => `user-${user}@drill.example`;

export interface Signed {
  readonly token: string;
  readonly id: string;
}

/**
 * Signs users up and in.
 * @param count how many users
 * @param mails where their codes arrive
 */
export async function clientOf(
  url: string,
  count: number,
  mails: Receivers["mails"],
): Promise<Client> {
  let retries = 0;
  const tokens = new Map<number, Promise<Signed>>();

  /** Sends until there is an answer: one of `wanted`, else it is refused for good. */
  const answered = async (what: string, wanted: number, send: () => Promise<Response>) => {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const text = await send()
        .then(
          async (response) => {
            const body = await response.text();
            if (response.status === wanted) return body;
            if (response.status === 429 || response.status >= 500) return undefined;
            throw new Refused(`drill: ${what} answered ${response.status}: ${body.slice(0, 300)}`);
          },
          // No connection, or it broke.
          () => undefined,
        )
        .catch((error) => {
          if (error instanceof Refused) throw error;
          return undefined;
        });
      if (text !== undefined) return text;
      if (Date.now() > deadline) throw new Error(`drill: ${what} has no answer`);
      retries += 1;
      await sleep(50 + Math.random() * 200);
    }
  };
  const json = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  const signUp = async (user: number) => {
    const email = addressOf(user);
    await answered("sign-up", 201, () => json("/api/auth/sign-up", { email, password }));
    const mail = mails.find(({ to }) => to.includes(email));
    const code = /code is (\d{6})/.exec(mail?.source ?? "")?.[1];
    await answered("confirmation", 204, () => json("/api/auth/confirm", { email, code }));
  };
  const signIn = async (user: number): Promise<Signed> => {
    const credentials = { email: addressOf(user), password };
    const text = await answered("sign-in", 200, () => json("/api/auth/sign-in", credentials));
    const { accessToken } = JSON.parse(text) as { accessToken: string };
    const [, claims = ""] = accessToken.split(".");
    const { sub, exp } = JSON.parse(Buffer.from(claims, "base64url").toString()) as {
      sub: string;
      exp: number;
    };
    // Asked for anew before it expires.
    const timer = setTimeout(() => tokens.delete(user), (exp * 1000 - Date.now()) / 2);
    timer.unref();
    return { token: accessToken, id: sub };
  };
  const signed = (user: number): Promise<Signed> => {
    const known = tokens.get(user);
    if (known) return known;
    const asked = signIn(user);
    tokens.set(user, asked);
    return asked;
  };
  const bearer = ({ token }: Signed) => ({ authorization: `Bearer ${token}` });

  for (let user = 0; user < count; user += 1) await signUp(user);

  return {
    get retries() {
      return retries;
    },
    signed,

    async order({ key, user, items, source }) {
      const body = { items, source, email: addressOf(user) };
      const text = await answered("order", 202, async () =>
        json("/checkouts", body, { ...bearer(await signed(user)), "idempotency-key": key }),
      );
      return (JSON.parse(text) as { id: string }).id;
    },

    async upload(image) {
      const content = await contentOf(image);
      const { name, user } = image;
      const wanted = { name, contentType: "image/jpeg", bytes: content.byteLength };
      const text = await answered("upload", 201, async () => {
        const user_ = await signed(user);
        return json(`/users/${user_.id}/uploads`, wanted, bearer(user_));
      });
      const given = JSON.parse(text) as { url: string; fields: Record<string, string> };
      await answered("form", 204, () => {
        const form = new FormData();
        for (const [field, value] of Object.entries(given.fields)) form.append(field, value);
        form.append("file", new Blob([content as Uint8Array<ArrayBuffer>]), name);
        return fetch(given.url, { method: "POST", body: form });
      });
      return given.fields.key ?? "";
    },

    async tell({ event, orderId, reason }) {
      const body = JSON.stringify({
        id: event,
        type: "payment_intent.payment_failed",
        created: Math.floor(Date.now() / 1000),
        data: {
          object: {
            amount: 1200,
            currency: "eur",
            metadata: { order_id: orderId },
            last_payment_error: { code: "card_declined", decline_code: reason },
          },
        },
      });
      await answered("webhook", 200, () => {
        const time = Math.floor(Date.now() / 1000);
        const hmac = createHmac("sha256", webhookSecret).update(`${time}.${body}`).digest("hex");
        return fetch(`${url}/webhooks/stripe`, {
          method: "POST",
          headers: { "stripe-signature": `t=${time},v1=${hmac}` },
          body,
        });
      });
    },
  };
}

class Refused extends Error {}

async function contentOf({ content, colour, orientation }: Image): Promise<Uint8Array> {
  if (content === "no image") return Buffer.from("This is a text, whatever its name says.");
  const [r, g, b] = colour;
  const photo = await sharp({
    create: { width: 1600, height: 1000, channels: 3, background: { r, g, b } },
  })
    .withMetadata({ orientation })
    .jpeg()
    .toBuffer();
  return content === "photo" ? photo : photo.subarray(0, Math.floor(photo.byteLength / 2));
}
