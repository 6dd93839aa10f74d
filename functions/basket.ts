import * as z from "zod/mini";

/** What a customer wants: up to 20 kinds of things, up to 99 of each. */
export const items = z
  .array(
    z.strictObject({
      sku: z
        .string()
        .check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must be a name such as print-a4")),
      quantity: z.int().check(z.minimum(1), z.maximum(99)),
    }),
  )
  .check(z.minLength(1), z.maxLength(20));
