import type { Scanner } from "../../ports/index.ts";
import { clamd } from "../clamd.ts";
import { faultsOf } from "../faults.ts";
import { carriesEicar } from "./eicar.ts";

/** clamd's StreamMaxLength where nothing else is said (clamd.conf, read 2026-11), in bytes. */
const streamMaxLength = 104_857_600;

/**
 * Finds EICAR's test text, alone or within a file, and no real malware; or asks clamd.
 * @param options.name of the scanner in system.ts
 * @param options.address of clamd, such as "127.0.0.1:3310". Default: it is not asked
 * @param options.maxBytes that are scanned without clamd. Default: 104,857,600 (100 MiB)
 * @throws {PortError} `invalid` for an address that is none
 */
export function scanner(options: {
  readonly name: string;
  readonly address?: string;
  readonly maxBytes?: number;
}): Scanner {
  const { name, address, maxBytes = streamMaxLength } = options;
  if (address) return clamd({ name, address });
  const fault = faultsOf("scanner", name);
  return {
    async scan(content) {
      if (content.byteLength > maxBytes)
        throw fault(
          "too-large",
          `content of ${content.byteLength} bytes; scan at most ${maxBytes}`,
        );
      return carriesEicar(content)
        ? { clean: false, signature: "Eicar-Test-Signature" }
        : { clean: true };
    },
  };
}
