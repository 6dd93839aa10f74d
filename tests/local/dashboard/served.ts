import chromium from "@sparticuz/chromium";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { dashboard, dashboardPath } from "../../../local/dashboard/dashboard.ts";
import type { ObjectSource } from "../../../local/dashboard/listing.ts";
import { gateway } from "../../../local/gateway/gateway.ts";
import { RecentRequests } from "../../../local/gateway/requests.ts";
import { listen } from "../../../local/listen.ts";
import type { State, StateSources } from "../../../local/state.ts";
import { PortError, type StoredObject } from "../../../runtime/ports/index.ts";
import type { Folder } from "../../../spec/index.ts";

/** A dashboard with the given sources and nothing behind it, on a port of its own. */
export async function serveDashboard(given: Partial<StateSources> = {}) {
  const listening = await listen(0);
  const { port, url } = listening;
  const requests = new RecentRequests();
  const sources: StateSources = {
    fixed: { system: "lab", url, startedAt: new Date(), routes: [], workloads: [] },
    queues: new Map(),
    consumersOf: () => [],
    tables: async () => [],
    objects: new Map(),
    mails: async () => [],
    requests,
    ...given,
  };
  const page = dashboard({ port, sources });
  const faults: unknown[] = [];
  listening.serve(
    gateway({
      routes: [],
      requests,
      own: (path, request, incoming) =>
        path.startsWith(dashboardPath) ? page(path, request, incoming) : undefined,
      onFault: (_, error) => faults.push(error),
    }),
  );
  const api = `${url}${dashboardPath}/api`;
  return {
    url: `${url}${dashboardPath}/`,
    api,
    host: new URL(url).host,
    faults,
    state: async () => (await fetch(`${api}/state`)).json() as Promise<State>,
    post: (path: string, body: unknown) =>
      fetch(`${api}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    close: () => listening.drain(),
  };
}
export type Served = Awaited<ReturnType<typeof serveDashboard>>;

/** Objects in memory. `put` tells `stored`, as a workload that is started by objects would hear. */
export function memoryObjects(
  folders: Readonly<Record<string, Folder>>,
  stored: (key: string, put: ObjectSource["store"]["put"]) => Promise<void> = async () => {},
): ObjectSource & { readonly kept: ReadonlyMap<string, StoredObject> } {
  const kept = new Map<string, StoredObject>();
  let versions = 0;
  const put: ObjectSource["store"]["put"] = async (key, given, options) => {
    if (key.includes("..")) throw new PortError("invalid", `object store "files": key ${key}`);
    const body = typeof given === "string" ? new TextEncoder().encode(given) : given;
    const { contentType = "application/octet-stream" } = options ?? {};
    versions += 1;
    const etag = `version-${versions}`;
    // Each is a second younger than the one before, whatever the clock's grain.
    const modified = new Date(Date.UTC(2026, 10, 21) + versions * 1000);
    kept.set(key, { key, body, bytes: body.byteLength, contentType, etag, modified });
    await stored(key, put);
  };
  return {
    folders,
    kept,
    store: {
      put,
      get: async (key) => kept.get(key),
      list: async (_, { limit = 100, cursor = "" } = {}) => {
        const keys = [...kept.keys()].sort().filter((key) => key > cursor);
        const objects = keys.slice(0, limit).map((key) => kept.get(key) as StoredObject);
        return { objects, cursor: keys.length > limit ? objects.at(-1)?.key : undefined };
      },
    },
  };
}

/** The package's own flags switch web security off; root needs the one that is left. */
export const launch = async (): Promise<Browser> =>
  playwright.launch({ executablePath: await chromium.executablePath(), args: ["--no-sandbox"] });

/** A page that notes what the browser complains about. */
export async function openPage(
  browser: Browser,
  url: string,
): Promise<{ readonly page: Page; readonly complaints: readonly string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    // A state that has not changed (304) is told as one that failed.
    if (!request.url().endsWith("/api/state"))
      complaints.push(`${request.url()} ${request.failure()?.errorText}`);
  });
  await page.goto(url);
  await page.getByRole("status").getByText("live").waitFor();
  return { page, complaints };
}

/** Texts whose contrast is under 4.5 to 1 (WCAG 2.2, 1.4.3 level AA). */
export const contrasts = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = rgb(getComputedStyle(at).backgroundColor);
        if (color[3] === 255) return color;
      }
      return [255, 255, 255];
    };
    const poor = new Set();
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (!own || element.closest("dialog") || !element.checkVisibility()) continue;
      const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
      if ((a + 0.05) / (b + 0.05) < 4.5) poor.add(element.className + " " + element.textContent.slice(0, 30));
    }
    return [...poor];
  })()`);
