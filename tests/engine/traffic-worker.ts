/** The thread that sends: an engine's program that keeps its own thread busy holds up no request. */
import { parentPort, workerData } from "node:worker_threads";
import { openTraffic } from "./traffic.ts";
import type { LoadOptions, Told } from "./traffic-load.ts";

const { cloud, declared, perSecond, lagMs } = workerData as LoadOptions;
const tell = (told: Told) => parentPort?.postMessage(told);
const traffic = openTraffic(cloud, declared, lagMs);
const underWay = new Set<Promise<void>>();

// Sent whether or not the last is answered: what takes long is not spared the next.
const sending = setInterval(() => {
  const one = traffic.send().then((outcome) => tell({ outcome }));
  underWay.add(one);
  void one.finally(() => underWay.delete(one));
}, 1000 / perSecond);

parentPort?.on("message", async (asked: "mark" | "end") => {
  if (asked === "mark") return tell({ mark: traffic.sent() });
  clearInterval(sending);
  await Promise.all(underWay);
  const cut = await traffic.close();
  tell({ ended: { effects: [...traffic.effects], cut } });
  parentPort?.close();
});
