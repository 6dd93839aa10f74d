import type { Scanner } from "../../ports/index.ts";
import { clamd } from "../clamd.ts";

/**
 * Looks for malware by clamd, which runs inside the network.
 * @param options.location its address, such as "clamd.internal:3310"
 */
export const scanner = (options: { readonly name: string; readonly location: string }): Scanner =>
  clamd({ name: options.name, address: options.location });
