import PDFDocument from "pdfkit";
import type { Figures, Summary } from "./activity.ts";

const margin = 50;
const lineHeight = 15;
/** Where the columns of the days begin, in points from the left. */
const stops = [margin, 150, 220, 300, 380] as const;
const shownTypes = 30;

/** What the report is about. */
export interface Cover {
  readonly from: string;
  readonly to: string;
  /** When it was ordered, ISO 8601; the PDF's own date too, so that it is the same each time. */
  readonly at: string;
}

/**
 * The report as pages to read: totals, kinds of events, a line a day. In Helvetica, which every
 * reader has: nothing is fetched or embedded.
 */
export async function pdfOf(cover: Cover, summary: Summary): Promise<Uint8Array> {
  const { from, to, at } = cover;
  const title = `Shop report, ${from} to ${to}`;
  const document = new PDFDocument({
    size: "A4",
    margin,
    lang: "en",
    info: {
      Title: title,
      CreationDate: new Date(at),
      Producer: "storefront",
      Creator: "storefront",
    },
  });
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    document.on("end", resolve);
    document.on("error", reject);
  });

  document.font("Helvetica-Bold").fontSize(18).text(title);
  document.font("Helvetica").fontSize(10);
  document.text(`Ordered on ${at.slice(0, 10)}. Days are days in UTC.`).moveDown();
  const { total, types, days } = summary;
  for (const line of totalsOf(total)) document.text(line);

  heading(document, "Events by kind");
  const sorted = [...types].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  for (const [type, count] of sorted.slice(0, shownTypes))
    document.text(printable(`${type}: ${count}`));
  if (sorted.length > shownTypes) document.text(`and ${sorted.length - shownTypes} kinds more`);
  if (sorted.length === 0) document.text("There were none.");

  heading(document, "Day by day");
  row(document, ["Day", "Events", "Placed", "Paid", "Revenue"], "Helvetica-Bold");
  for (const [day, figures] of days)
    row(document, [
      day,
      ...[figures.events, figures.ordersPlaced, figures.ordersPaid].map(String),
      revenueOf(figures),
    ]);
  document.end();
  await ended;
  return Buffer.concat(chunks);
}

const totalsOf = (total: Figures): string[] => [
  `Events: ${total.events}`,
  `Orders placed: ${total.ordersPlaced}`,
  `Orders paid: ${total.ordersPaid}`,
  `Revenue: ${revenueOf(total)}`,
];

/** Such as "12.90 EUR, 1500 JPY": currencies differ in their decimal places. */
export function revenueOf({ revenue }: Pick<Figures, "revenue">): string {
  const parts = [...revenue]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, amount]) => {
      const format = new Intl.NumberFormat("en", { style: "currency", currency });
      const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
      return `${(amount / 10 ** digits).toFixed(digits)} ${currency}`;
    });
  return parts.join(", ") || "-";
}

function heading(document: PDFKit.PDFDocument, text: string): void {
  document.moveDown().font("Helvetica-Bold").fontSize(13).text(text);
  document.font("Helvetica").fontSize(10);
}

/** One line of a table; on a new page where the old one is full. */
function row(document: PDFKit.PDFDocument, cells: readonly string[], font = "Helvetica"): void {
  if (document.y + lineHeight > document.page.height - margin) document.addPage();
  const { y } = document;
  document.font(font);
  for (const [index, cell] of cells.entries())
    document.text(printable(cell), stops[index] ?? margin, y, { lineBreak: false });
  document.font("Helvetica");
  document.x = margin;
  document.y = y + lineHeight;
}

/** The standard fonts hold Latin letters only. */
const printable = (text: string): string =>
  text.replace(/[^\x20-\x7e\xa0-\xff]/gu, "?").slice(0, 200);
