import * as z from "zod/mini";

const to = z.string().check(z.maxLength(254), z.email());
/** The same for each try to send one mail. Default: the message's own id. */
const id = z.optional(z.string().check(z.regex(/^[\w.:-]{1,150}$/)));
const orderId = z.string().check(z.regex(/^[\w-]{1,80}$/));
const day = z.optional(z.string().check(z.regex(/^\d{4}-\d\d-\d\d/), z.maxLength(40)));
const strict = z.strictObject;

const mails = z.discriminatedUnion("template", [
  strict({ template: z.literal("welcome"), id, to, data: strict({}) }),
  strict({
    template: z.literal("code"),
    id,
    to,
    data: strict({ code: z.string().check(z.regex(/^\d{6}$/)) }),
  }),
  strict({
    template: z.literal("receipt"),
    id,
    to,
    data: strict({
      orderId,
      items: z
        .array(
          strict({
            sku: z.string().check(z.minLength(1), z.maxLength(100)),
            quantity: z.int().check(z.minimum(1)),
          }),
        )
        .check(z.maxLength(100)),
      /** In the smallest unit of the currency. */
      total: z.int().check(z.minimum(0)),
      currency: z.string().check(z.regex(/^[A-Z]{3}$/)),
    }),
  }),
  strict({
    template: z.literal("apology"),
    id,
    to,
    data: strict({ orderId, because: z.enum(["order", "stock", "payment", "other"]) }),
  }),
  strict({
    template: z.literal("review"),
    id,
    to,
    data: strict({ orderId: z.string().check(z.minLength(1), z.maxLength(200)) }),
  }),
  strict({
    template: z.literal("report"),
    id,
    to,
    data: strict({
      reportId: z.string().check(z.minLength(1), z.maxLength(200)),
      url: z.url({ protocol: /^https?$/ }).check(z.maxLength(4096)),
      from: day,
      to: day,
    }),
  }),
]);

const posts = strict({
  chat: strict({ text: z.string().check(z.minLength(1), z.maxLength(3000)) }),
});

/** What may stand in the queue. */
export const message = z.union([mails, posts]);
export type MailMessage = z.infer<typeof mails>;
