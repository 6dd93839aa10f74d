import type { MailMessage } from "./messages.ts";

/** What a mail says, before it is text or HTML. */
interface Letter {
  readonly subject: string;
  readonly parts: readonly (
    | string
    | { readonly list: readonly string[] }
    | { readonly link: string; readonly label: string }
  )[];
}

export interface Written {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A mail as it is sent: the same words as text and as HTML. */
export function written(mail: MailMessage): Written {
  const { subject, parts } = letterOf(mail);
  return { subject, text: parts.map(asText).join("\n\n"), html: page(subject, parts.map(asHtml)) };
}

function letterOf(mail: MailMessage): Letter {
  switch (mail.template) {
    case "welcome":
      return {
        subject: "Welcome to the shop",
        parts: ["Your address is confirmed. Sign in whenever you like."],
      };
    case "code":
      return {
        subject: "Your code to sign in",
        parts: [`Your code is ${mail.data.code}. If you did not ask for it, ignore this mail.`],
      };
    case "receipt": {
      const { orderId, items, total, currency } = mail.data;
      return {
        subject: `Your order ${orderId}`,
        parts: [
          "Thank you for your order. We are packing it now.",
          { list: items.map(({ sku, quantity }) => `${quantity} × ${sku}`) },
          `Paid: ${money(total, currency)}`,
        ],
      };
    }
    case "apology":
      return {
        subject: `We are sorry: order ${mail.data.orderId}`,
        parts: [
          reasons[mail.data.because],
          "Nothing was sent, and what was paid is on its way back to you.",
        ],
      };
    case "review":
      return {
        subject: "How do you like it?",
        parts: [
          `A week ago you ordered from us (${mail.data.orderId}).`,
          "Reply to this mail and tell us what you think.",
        ],
      };
    case "report": {
      const { from, to, url } = mail.data;
      const span = from && to ? ` from ${from.slice(0, 10)} to ${to.slice(0, 10)}` : "";
      return {
        subject: "Your report is ready",
        parts: [
          `The report${span} is ready. The link opens for some hours; after that, ask for the report again.`,
          { link: url, label: "Open the report" },
        ],
      };
    }
  }
}

const reasons = {
  order: "Your order could not be accepted as it was.",
  stock: "We do not have enough of what you ordered.",
  payment: "Your payment was not accepted.",
  other: "Something went wrong on our side, and your order could not be completed.",
} as const;

/** Such as "€12.90": currencies differ in their decimal places. */
function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

function asText(part: Letter["parts"][number]): string {
  if (typeof part === "string") return part;
  return "list" in part ? part.list.map((one) => `- ${one}`).join("\n") : part.link;
}

function asHtml(part: Letter["parts"][number]): string {
  if (typeof part === "string") return `<p>${escaped(part)}</p>`;
  return "list" in part
    ? `<ul>${part.list.map((one) => `<li>${escaped(one)}</li>`).join("")}</ul>`
    : `<p><a href="${escaped(part.link)}">${escaped(part.label)}</a></p>`;
}

const page = (title: string, parts: readonly string[]): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>` +
  `<body style="font-family:sans-serif;max-width:36em">${parts.join("")}</body></html>`;

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
