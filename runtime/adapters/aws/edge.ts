import type { Edge } from "../../ports/index.ts";

/**
 * The HTTP edge: its public URL, and nothing to call.
 * @param options.location the URL, with or without a trailing slash
 */
export const edge = (options: { readonly name: string; readonly location: string }): Edge => ({
  url: options.location.replace(/\/+$/, ""),
});
