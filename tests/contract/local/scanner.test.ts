import { expect, it } from "vitest";
import { scanner } from "../../../runtime/adapters/local/scanner.ts";
import { startClamd } from "../suites/clamd.ts";
import { scannerContract } from "../suites/scanner.ts";

scannerContract("local scanner", {
  findsWithin: true,
  make: async (maxBytes) => ({
    scanner: scanner({ name: "antivirus", maxBytes }),
    close: async () => {},
  }),
});

it("a local scanner with an address asks clamd", async () => {
  const { address, streams, close } = await startClamd();
  const { scan } = scanner({ name: "antivirus", address });
  expect(await scan(Buffer.from("content"))).toEqual({ clean: true });
  await close();
  expect(streams.map(({ content }) => content.toString())).toEqual(["content"]);
});
