import path from "node:path";
import { throughput } from "./edge/load.ts";
import { type Bench, ratio, result, shown } from "./result.ts";
import { serverOf } from "./server.ts";

/** Fewer than the limit starts with, so that nothing waits and nothing is spilled. */
const connections = 16;

/** Many short pairs: what else runs on the machine comes and goes in less than a second. */
const pairs = 51;
const seconds = 0.4;

/** What admission control costs where it has nothing to do: the same server with and without it. */
const overhead: Bench = async () => {
  const serve = (which: string) =>
    serverOf(path.join(import.meta.dirname, "admission/serve.ts"), which);
  const [ours, bare] = await Promise.all([serve("with"), serve("without")]);
  try {
    // Both run compiled code before anything counts.
    for (const { url } of [ours, bare])
      await throughput(`${url}/hello/ada`, {}, { connections, seconds: 3 });
    const of = (url: string) => () => throughput(`${url}/hello/ada`, {}, { connections, seconds });
    const below = await ratio(pairs, of(ours.url), of(bare.url));
    return [
      result("admission: with / without, below the limit", below.ratio, "ratio", ">=", 0.95),
      shown("admission: with", below.a, "requests/s"),
      shown("admission: without", below.b, "requests/s"),
    ];
  } finally {
    await Promise.all([ours.stop(), bare.stop()]);
  }
};

export const parts: Readonly<Record<string, Bench>> = { overhead };
