import type { AddressInfo } from "node:net";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** An address that stays while the server behind it comes, goes and hangs. */
export interface Door {
  readonly port: number;
  /** Leads to this port from now on. */
  to(port: number): void;
  /** Passes nothing more, and closes nothing: a network that swallows. Until `resume`. */
  hang(): void;
  resume(): void;
  /** Cuts all connections; new ones are taken. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * Opens a port on loopback that leads to another.
 * @param options.tls answers with TLS, and speaks plainly to the server. Default: passes bytes on
 */
export async function openDoor(
  port: number,
  { tls }: { readonly tls?: TlsOptions } = {},
): Promise<Door> {
  let target = port;
  let hanging = false;
  const pairs = new Set<readonly [Socket, Socket]>();
  const serve = (from: Socket) => {
    const to = dial(target, "127.0.0.1");
    const pair = [from, to] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      from.destroy();
      to.destroy();
    };
    for (const [one, other] of [pair, [to, from] as const]) {
      one.on("error", end);
      one.on("close", end);
      one.on("data", (bytes) => {
        if (!hanging) other.write(bytes);
      });
    }
  };
  const server: Server = tls ? createTlsServer(tls, serve) : createServer(serve);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const cut = () => {
    for (const [from, to] of pairs) {
      from.destroy();
      to.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    to(next) {
      target = next;
    },
    hang() {
      hanging = true;
    },
    resume() {
      // What was swallowed is lost, so no stream that lost a part goes on.
      hanging = false;
      cut();
    },
    cut,
    async close() {
      const closed = new Promise((done) => server.close(done));
      cut();
      await closed;
    },
  };
}
