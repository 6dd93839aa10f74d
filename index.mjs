// Plain JavaScript, so that a Node too old to run TypeScript can say so in one line.
import { RunError } from "@pulumi/pulumi/errors.js";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18))
  throw new RunError(
    `Node ${process.versions.node} cannot run this program as it is; put Node 22.18 or newer on PATH`,
  );

/** Pulumi calls the default export, and what it answers are the stack's outputs. */
export default async () => {
  const { default: program, ...outputs } = await import("./index.ts");
  return typeof program === "function" ? program() : { ...program, ...outputs };
};
