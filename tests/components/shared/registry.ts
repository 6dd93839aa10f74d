import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export interface Published {
  readonly name: string;
  readonly version: string;
  readonly [field: string]: unknown;
}

/** A registry of npm's on this machine, with packages that are made here. */
export async function startRegistry(
  packages: readonly { readonly manifest: Published; readonly files: Record<string, string> }[],
) {
  const tarballs = new Map<string, Buffer>();
  const locked = new Map<string, object>();
  for (const { manifest, files } of packages) {
    const all = { "package.json": JSON.stringify(manifest), ...files };
    const tarball = gzipSync(tar(all));
    tarballs.set(`${manifest.name}-${manifest.version}`, tarball);
    const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
    const { name: _, scripts: __, ...rest } = manifest;
    locked.set(`${manifest.name}-${manifest.version}`, { ...rest, integrity });
  }
  const asked: string[] = [];
  const server = createServer(({ url = "", headers }, response) => {
    asked.push(url);
    const tarball = tarballs.get(url.replace(/^\/-\/|\.tgz$/g, ""));
    if (tarball) return void response.end(tarball);
    const name = decodeURIComponent(url.slice(1));
    const versions = packages
      .filter(({ manifest }) => manifest.name === name)
      .map(({ manifest }) => {
        const key = `${manifest.name}-${manifest.version}`;
        const { integrity } = locked.get(key) as { integrity: string };
        const dist = { tarball: `http://${headers.host}/-/${key}.tgz`, integrity };
        return [manifest.version, { ...manifest, dist }];
      });
    response.statusCode = versions.length > 0 ? 200 : 404;
    response.setHeader("content-type", "application/json");
    const latest = versions.at(-1)?.[0];
    response.end(
      JSON.stringify({ name, versions: Object.fromEntries(versions), "dist-tags": { latest } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    /** What was asked for, in order. */
    asked,
    /** A version as a lockfile has it. */
    lock: (key: string) => locked.get(key) as Readonly<Record<string, unknown>>,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Files in npm's folder of a tarball (POSIX ustar). */
function tar(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const body = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(`package/${name}`, 0);
    header.write("0000644\0", 100);
    header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\u000000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
