import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { imageCertificates } from "../../../components/aws/function-plan.ts";
import { sha256 } from "../../../components/shared/bundle-cache.ts";
import {
  commandOf,
  dockerfile,
  gpuDockerfile,
  imageSource,
} from "../../../components/shared/image.ts";
import { defineSystem, envName, http, queue, tokenEnv, usesOf } from "../../../spec/index.ts";
import { system as storefront } from "../../../system.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const image = new URL("../../../components/shared/image.ts", import.meta.url).href;
const load = { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
const system = defineSystem({
  name: "small",
  channels: { inbox: queue() },
  workloads: {
    hello: http({
      code: "functions/hello",
      routes: ["GET /hello"],
      auth: "none",
      maxBodyBytes: 9,
      load,
    }),
    other: http({ code: "functions/other", routes: ["GET /other"], auth: "none", load }),
  },
});

let folder: string;
const write = async (file: string, text: string) => {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), text);
};
const source = (...workloads: string[]) =>
  imageSource({ system, workloads, root: folder, outDir: join(folder, "out") });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spillway-image-"));
  await write("functions/hello/index.ts", 'export const create = () => "hello";');
  await write("functions/other/index.ts", 'export const create = () => "other";');
  await write(
    "runtime/entries/ecs/http.ts",
    "export const ecsHttp = async (handler: unknown, options: object) => console.log(JSON.stringify({ handler, ...options }));",
  );
  await write("runtime/overflow/settings.ts", "export const admissionFrom = () => ({});");
  await write("runtime/adapters/aws/twin.ts", "export const twin = () => ({});");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `node` with a container's command in a folder, as the image would, and gives what it says. */
function run(cwd: string, command: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [...command], { cwd, env });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      text += chunk;
    });
  return new Promise<{ code: number | null; text: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, text })),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

describe("what an image is built from", () => {
  test("is nothing where nothing runs in containers", async () => {
    expect(await source()).toBeUndefined();
  });

  test("is a program for each workload, run by its command in a clean folder", async () => {
    const made = await source("hello", "other");
    const clean = join(folder, "clean");
    await cp(made?.context ?? "", clean, { recursive: true });
    const { code, text } = await run(clean, commandOf("hello"));
    expect([code, JSON.parse(text)]).toEqual([
      0,
      {
        handler: "hello",
        auth: "none",
        maxBodyBytes: 9,
        routes: ["GET /hello"],
        metrics: { workload: "hello" },
        admission: {},
      },
    ]);
  });

  test("leaves nothing behind of a workload that is gone", async () => {
    await source("hello", "other");
    const { context = "" } = (await source("other")) ?? {};
    expect(await readdir(join(context, "workloads"))).toEqual(["other"]);
  });

  test("is laid out once, and anew where it is gone", async () => {
    const { context = "" } = (await source("other")) ?? {};
    const program = join(context, commandOf("other")[0] ?? "");
    const { ino } = await stat(program);
    await source("other");
    expect((await stat(program)).ino).toBe(ino);
    await rm(context, { recursive: true });
    await source("other");
    await stat(program);
  });

  test("is laid out anew where it is as an earlier version laid it out", async () => {
    const { context = "", tag = "" } = (await source("other")) ?? {};
    const program = join(context, commandOf("other")[0] ?? "");
    await chmod(program, 0o600);
    // Whose tag was of the Dockerfile and the programs, and not of how they are laid out.
    const zip = sha256(await readFile(join(folder, "out", "other.zip")));
    const earlier = [await readFile(dockerfile, "utf8"), `other ${zip}`].join("\n");
    await writeFile(`${context}.tag`, sha256(earlier).slice(0, 32));
    expect((await source("other"))?.tag).toBe(tag);
    expect((await stat(program)).mode & 0o777).toBe(0o644);
  });

  test("can be read by everybody, under whatever umask it is laid out", {
    timeout: 60_000,
  }, async () => {
    const modes = async (umask: number) => {
      const outDir = join(folder, `umask-${umask}`);
      const options = JSON.stringify({ system, workloads: ["other"], root: folder, outDir });
      const script = `
        process.umask(${umask});
        const { imageSource } = await import(${JSON.stringify(image)});
        await imageSource(${options});`;
      expect(await run(root, ["--input-type=module", "-e", script])).toMatchObject({ code: 0 });
      const context = join(outDir, "context");
      const found = await Promise.all(
        [".", ...(await readdir(context, { recursive: true }))].map(
          async (path) => `${((await stat(join(context, path))).mode & 0o777).toString(8)} ${path}`,
        ),
      );
      return found.sort();
    };
    const shut = await modes(0o077);
    expect(shut).toEqual([
      "644 Dockerfile",
      "644 workloads/other/index.mjs",
      "755 .",
      "755 workloads",
      "755 workloads/other",
    ]);
    expect(await modes(0o002)).toEqual(shut);
  });

  test("is named by a path from the project, wherever that is", async () => {
    const other = join(folder, "elsewhere");
    await cp(join(folder, "functions"), join(other, "functions"), { recursive: true });
    await cp(join(folder, "runtime"), join(other, "runtime"), { recursive: true });
    const made = async (cwd: string) => {
      const options = JSON.stringify({ system, workloads: ["other"] });
      const script = `
        const { imageSource } = await import(${JSON.stringify(image)});
        console.log(JSON.stringify(await imageSource(${options})));`;
      const { text } = await run(cwd, ["--input-type=module", "-e", script]);
      return JSON.parse(text);
    };
    const here = await made(folder);
    expect(here.context).toBe(".spillway/containers/context");
    expect(await made(other)).toEqual(here);
  });

  test("has a tag that follows the content, and nothing else", async () => {
    const one = await source("hello", "other");
    const again = await source("other", "hello");
    await write("functions/other/index.ts", 'export const create = () => "changed";');
    const changed = await source("hello", "other");
    expect(again?.tag).toBe(one?.tag);
    expect(changed?.tag).not.toBe(one?.tag);
    expect(changed?.tag).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("a workload of storefront in its image", () => {
  test("starts by its command, and says what it lacks", { timeout: 120_000 }, async () => {
    const outDir = join(folder, "storefront");
    const made = await imageSource({ system: storefront, workloads: ["fulfil"], root, outDir });
    const { code, text } = await run(made?.context ?? "", commandOf("fulfil"));
    expect(code).toBe(1);
    expect(text).toContain('Container "fulfil": SPILLWAY_');
    expect(text).toContain("is not set; deploy it with its component");
  });
});

describe("the image's command", () => {
  test("answers for its health in a clean folder, and stops when it is asked to", {
    timeout: 120_000,
  }, async () => {
    const outDir = join(folder, "serving");
    const made = await imageSource({ system: storefront, workloads: ["users"], root, outDir });
    const app = join(folder, "app");
    await cp(made?.context ?? "", app, { recursive: true });
    const told = [...usesOf(storefront, "users").map(envName), ...Object.values(tokenEnv)];
    const port = await freePort();
    const child = spawn(process.execPath, [...commandOf("users")], {
      cwd: app,
      env: {
        ...Object.fromEntries(told.map((name) => [name, "https://nowhere.example/x"])),
        PORT: String(port),
        AWS_REGION: "us-east-1",
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = once(child, "exit");
    try {
      const answer = await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/healthz`), {
        timeout: 60_000,
        interval: 100,
      });
      expect(answer.status).toBe(200);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toEqual([0, null]);
  });
});

describe.each([
  ["without a GPU", dockerfile],
  ["with a GPU", gpuDockerfile],
])("the Dockerfile of workloads %s", (_, file) => {
  let lines: readonly string[];
  beforeAll(async () => {
    const text = await readFile(file, "utf8");
    const whole = text.replaceAll("\\\n", "").split("\n");
    lines = whole.filter((line) => line !== "" && !line.startsWith("#"));
  });
  const of = (instruction: string) =>
    lines
      .filter((line) => line.startsWith(`${instruction} `))
      .map((line) => line.slice(instruction.length + 1));

  test("pins what it builds on", () => {
    for (const base of of("ARG"))
      expect(base).toMatch(/^(BASE|NODE)=[\w./-]+\/(node|cuda):\d+\.\d+\.\d+-[\w.-]+$/);
    for (const base of of("FROM")) expect(base).toMatch(/^\$\{(BASE|NODE)\}( AS \w+)?$/);
  });

  test("ships its last stage alone, in which nothing is fetched, and runs without rights", () => {
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));
    expect(last.filter((line) => /^(ADD|RUN|SHELL|FROM .* AS) /.test(line))).toEqual([]);
    expect(last.at(-2)).toBe("USER 1000:1000");
    expect(last.at(-1)).toBe('ENTRYPOINT ["node"]');
  });

  test("puts programs and certificates where tasks are told that they are", () => {
    const workdir = of("WORKDIR").at(-1);
    expect(of("COPY")).toContain("--from=certificates /certificates/ certificates/");
    expect(of("COPY").at(-1)).toMatch(/workloads\/ workloads\/$/);
    expect(`${workdir}/certificates/rds.pem`).toBe(imageCertificates);
    expect(of("ADD")).toEqual([
      "--chmod=444 https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem /certificates/rds.pem",
    ]);
    for (const name of Object.keys(storefront.workloads))
      expect(commandOf(name)[0]).toMatch(/^workloads\//);
  });

  test("runs the version of Node that the project is tested with", async () => {
    const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    expect(of("ARG").join()).toContain(`/node:${devDependencies.node}-`);
  });
});

describe("the image with a GPU", () => {
  test("is built for x86, as its packages are, and tagged apart from the other", async () => {
    const plain = await source("hello");
    const options = { system, workloads: ["hello"], root: folder };
    const onGpu = await imageSource({ ...options, outDir: join(folder, "gpu"), gpu: true });
    expect([plain?.platform, onGpu?.platform]).toEqual(["linux/arm64", "linux/amd64"]);
    for (const [made, file] of [[plain, dockerfile] as const, [onGpu, gpuDockerfile] as const])
      expect(await readFile(join(made?.context ?? "", "Dockerfile"), "utf8")).toBe(
        await readFile(file, "utf8"),
      );
    expect(onGpu?.tag).not.toBe(plain?.tag);
  });

  test("has the CUDA that its provider is built for, and fetches that by its package's own script", async () => {
    const text = await readFile(gpuDockerfile, "utf8");
    expect(text).toMatch(/^ARG BASE=nvcr\.io\/nvidia\/cuda:12\.\d+\.\d+-cudnn-runtime-/m);
    expect(text).toContain("ONNXRUNTIME_NODE_INSTALL=cuda12");
  });
});
