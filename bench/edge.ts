import { bundling, functions } from "./edge/functions.ts";
import { gateway } from "./edge/gateway.ts";
import { previews } from "./edge/preview.ts";
import type { Bench } from "./result.ts";

/** What the HTTP edge costs: its functions, their bundling, the local gateway, the preview. */
export const parts: Readonly<Record<string, Bench>> = {
  functions,
  bundling,
  gateway,
  preview: previews,
};
