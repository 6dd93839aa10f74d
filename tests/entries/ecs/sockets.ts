import { once } from "node:events";
import { onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { type EcsSocketOptions, ecsSocket } from "../../../runtime/entries/ecs/socket.ts";
import { type Json, PortError, type SocketHandler } from "../../../runtime/ports/index.ts";

/** Tokens are "<user>" or "<user>:<expiry in seconds since 1970>"; "bad" is none. */
export const verify = async (token: string) => {
  const [sub = "", exp] = token.split("_");
  if (sub === "bad" || Number(exp) * 1000 < Date.now())
    throw new PortError("denied", "tokens: not valid");
  return { sub, ...(exp !== undefined && { exp: Number(exp) }) };
};

/** A server of sockets on a free port of loopback, gone with its test. */
export async function serve(handler: SocketHandler, options: Partial<EcsSocketOptions> = {}) {
  const server = await ecsSocket(handler, {
    path: "/live",
    verify,
    port: 0,
    host: "127.0.0.1",
    drainSeconds: 1,
    ...options,
  });
  onTestFinished(async () => void (await server.stop()));
  return server;
}

/** A client that remembers what it was told. */
export function connectTo(
  port: number,
  {
    token = "ann",
    path = "/live",
    ...options
  }: ClientOptions & { token?: string; path?: string } = {},
) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    ...options,
  });
  const told: Json[] = [];
  socket.on("message", (data) => told.push(JSON.parse(String(data))));
  socket.on("error", () => {});
  const closed = new Promise<[number, string]>((resolve) =>
    socket.once("close", (code, reason) => resolve([code, String(reason)])),
  );
  const opened = once(socket, "open");
  opened.catch(() => {});
  onTestFinished(() => socket.terminate());
  return {
    socket,
    told,
    closed,
    opened,
    send: (message: Json) => socket.send(JSON.stringify(message)),
  };
}

/** The status with which an upgrade was refused, and the answer's code. */
export async function refusalOf(port: number, options: Parameters<typeof connectTo>[1] = {}) {
  const { socket } = connectTo(port, options);
  const [, response] = await once(socket, "unexpected-response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return [response.statusCode, JSON.parse(text).code];
}
