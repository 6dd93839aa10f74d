import { describe, expect, it } from "vitest";
import { scanner } from "../../../runtime/adapters/aws/scanner.ts";
import { startClamd } from "../suites/clamd.ts";
import { scannerContract } from "../suites/scanner.ts";

scannerContract("aws scanner", {
  async make(maxBytes) {
    const { address, close } = await startClamd({ maxBytes });
    return { scanner: scanner({ name: "antivirus", location: address }), close };
  },
});

describe("aws scanner", () => {
  it.each(["", "clamd", "clamd:", "clamd:99999", "http://clamd:3310", "clamd:3310/x"])(
    "refuses the address %j at the start",
    (location) => {
      expect(() => scanner({ name: "antivirus", location })).toThrow(
        `scanner "antivirus": address ${JSON.stringify(location)}; use host:port`,
      );
    },
  );
});
