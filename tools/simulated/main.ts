/**
 * The plugin: `main.ts <provider>` serves that provider from its data. A provider without data
 * (docker, say) starts too, and refuses every type with the way to add it.
 */

import { openCloud } from "./cloud.ts";
import { answersOf, functionsOf } from "./data.ts";
import { readFaults } from "./faults.ts";
import { SimulatedProvider } from "./provider.ts";
import { serve } from "./server.ts";
import { readTable } from "./table.ts";

const name = process.argv[2];
if (!name) throw new Error("usage: main.ts <provider>");
const table = readTable(name);
const provider = new SimulatedProvider({
  name,
  table,
  answers: answersOf(name),
  functions: functionsOf(name),
  place: { region: process.env.AWS_REGION ?? "eu-central-1", account: "123456789012" },
  cloud: openCloud(),
  faults: readFaults(),
});
await serve(provider, table.packageVersion ?? "0.0.0");

// An engine that is killed cannot end its plugins; they notice that their parent is another.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(0), 2000).unref();
