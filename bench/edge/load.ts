import { connect } from "node:net";

/**
 * Closed-loop load over keep-alive connections: each sends its next request when it has the whole
 * answer. Written here, since a load generator that parses every header takes longer for an answer
 * than the servers that are compared, and so would be what is measured.
 * @returns requests per second
 * @throws {Error} for an answer other than 200
 */
export async function throughput(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  { connections = 64, seconds = 4 } = {},
): Promise<number> {
  const { hostname, port, pathname, host } = new URL(url);
  const lines = Object.entries({ host, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const request = `GET ${pathname} HTTP/1.1\r\n${lines.join("")}\r\n`;
  const start = performance.now();
  const until = start + seconds * 1000;
  const counts = Array.from({ length: connections }, () =>
    loop({ host: hostname, port: Number(port) }, request, until),
  );
  const answers = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  return answers / ((performance.now() - start) / 1000);
}

/** One connection, until the time is over; answers how many requests were answered. */
function loop(
  to: { readonly host: string; readonly port: number },
  request: string,
  until: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let answers = 0;
    let received = "";
    const socket = connect(to, () => socket.write(request)).setNoDelay();
    socket.setEncoding("latin1").on("error", reject);
    socket.on("data", (chunk: string) => {
      received = received === "" ? chunk : received + chunk;
      const missing = missingOf(received);
      if (missing > 0) return;
      if (!received.startsWith("HTTP/1.1 200 ") || missing < 0) {
        socket.destroy();
        reject(new Error(`bench: not one answer with 200: ${received.slice(0, 300)}`));
        return;
      }
      answers += 1;
      received = "";
      if (performance.now() < until) socket.write(request);
      else socket.end(() => resolve(answers));
    });
  });
}

/** How many bytes of an answer are still to come. */
function missingOf(received: string): number {
  const head = received.indexOf("\r\n\r\n");
  if (head < 0) return 1;
  const at = received.search(/content-length: /i);
  const length = Number.parseInt(received.slice(at + 16), 10);
  return head + 4 + length - received.length;
}
