#!/usr/bin/env node
// Plain JavaScript, for the one moment before the right Node runs: the commands are TypeScript,
// which Node runs as it is from 22.18 on. An older Node hands over to the one that npm installed.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
const pinned = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));

if (major > 22 || (major === 22 && minor >= 18)) {
  // Handed over to by an older Node (below): when that one is killed, this one ends too.
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel?.unref();
  const { main } = await import("./main.ts");
  process.exitCode = await main(process.argv.slice(2));
} else if (existsSync(pinned)) {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(pinned, [self, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"])
    process.on(signal, () => {
      // Ctrl-C at a terminal reaches both processes; to pulumi a second one means "at once".
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  child.on("error", (error) => {
    console.error(`spillway: ${pinned} does not start (${error.message}); run npm ci`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
} else {
  console.error(
    `spillway: Node ${process.versions.node} is too old and the project's own is missing; ` +
      "run npm ci, or use Node 22.18 or newer",
  );
  process.exitCode = 1;
}
