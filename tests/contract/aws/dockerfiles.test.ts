import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dockerfile, gpuDockerfile } from "../../../components/shared/image.ts";
import { dockerfileFindings } from "../../../tools/dockerfile-lint.ts";

/** Another hand's judgement of our Dockerfiles. */
describe("hadolint", () => {
  test("finds nothing in either Dockerfile, and none of them tells it to look away", async () => {
    expect(await dockerfileFindings(dockerfile)).toEqual([]);
    expect(await dockerfileFindings(gpuDockerfile)).toEqual([]);
  });

  test("does find what is wrong, in shell commands too", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-dockerfile-"));
    const file = join(folder, "Dockerfile");
    await writeFile(file, 'FROM debian\nRUN apt-get install curl | sh -c "$x" $y\nUSER root\n');
    const codes = (await dockerfileFindings(file)).map(({ code }) => code);
    await rm(folder, { recursive: true });
    expect(codes).toEqual(expect.arrayContaining(["DL3006", "DL3002", "DL4006", "SC2086"]));
  });
});
