import { mkdirSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startWatcher, type Watcher } from "../../../local/programs/watch.ts";
import { temporary } from "../harness.ts";

let data: ReturnType<typeof temporary>;
let watcher: Watcher;
let told: (readonly string[])[];
const file = (name: string) => path.join(data.folder, name);
const save = (name: string, text: string) => writeFileSync(file(name), text);

beforeEach(() => {
  data = temporary();
  for (const folder of ["a", "b", "node_modules"]) mkdirSync(file(folder));
  save("a/one.ts", "1");
  save("b/two.ts", "2");
  save("node_modules/three.ts", "3");
  told = [];
  watcher = startWatcher((names) => told.push(names));
});
afterEach(() => {
  watcher.close();
  data.remove();
});

test("tells whose files have changed, and of nobody else", async () => {
  watcher.set("first", { files: [file("a/one.ts"), file("b/two.ts")] });
  watcher.set("second", { files: [file("b/two.ts")] });
  save("a/one.ts", "1, changed");
  await expect.poll(() => told).toEqual([["first"]]);
  save("b/two.ts", "2, changed");
  await expect.poll(() => told).toEqual([["first"], ["first", "second"]]);
});

test("sees a file that takes another's place, as editors save", async () => {
  watcher.set("first", { files: [file("a/one.ts")] });
  save("a/one.ts~", "1, changed");
  renameSync(file("a/one.ts~"), file("a/one.ts"));
  await expect.poll(() => told).toEqual([["first"]]);
});

test("counts what is new in a folder", async () => {
  watcher.set("first", { files: [], folders: [file("a")] });
  save("a/new.ts", "new");
  await expect.poll(() => told).toEqual([["first"]]);
});

test("does not tell of what has the same content, nor of what is installed", async () => {
  watcher.set("first", { files: [file("a/one.ts"), file("node_modules/three.ts")] });
  save("node_modules/three.ts", "3, changed");
  save("a/one.ts", "1");
  // What comes after is told alone: nothing was told of before it.
  watcher.set("last", { files: [file("b/two.ts")] });
  save("b/two.ts", "2, changed");
  await expect.poll(() => told).toEqual([["last"]]);
});

test("tells of what has changed while it was read", async () => {
  const read = Date.now() - 10_000;
  utimesSync(file("a/one.ts"), new Date(), new Date(read + 5_000));
  watcher.set("first", { files: [file("a/one.ts")] }, read);
  await expect.poll(() => told).toEqual([["first"]]);
});
