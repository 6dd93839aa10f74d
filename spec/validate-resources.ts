import type { System } from "./declaration.ts";
import type { Native } from "./natives.ts";
import type { Api } from "./services.ts";

type Fault = string;

export function serviceFaults(system: System): Fault[] {
  const faults: Fault[] = [];
  for (const kind of ["edge", "identity"] as const) {
    const names = Object.entries(system.services)
      .filter(([, service]) => service.kind === kind)
      .map(([name]) => name);
    if (names.length > 1)
      faults.push(`services ${names.join(", ")}: more than one ${kind}; keep one`);
  }
  for (const [name, service] of Object.entries(system.services)) {
    const say = (text: string) => faults.push(`service "${name}": ${text}`);
    if (service.kind === "edge") {
      if (service.cors?.credentials && service.cors.origins.includes("*"))
        say('CORS origin "*" with credentials; name the origins, or leave credentials out');
      for (const origin of service.cors?.origins ?? [])
        if (origin !== "*" && !isOrigin(origin))
          say(`CORS origin "${origin}"; write scheme and host, such as "https://shop.example"`);
      faults.push(...throttleFaults(service.throttle).map((f) => `service "${name}": ${f}`));
    }
    if (service.kind === "identity") {
      if (!(service.passwordMinLength >= 8 && service.passwordMinLength <= 99))
        say(`passwordMinLength ${service.passwordMinLength}; use 8 to 99`);
      if (!(service.accessMinutes >= 5 && service.accessMinutes <= 1440))
        say(`accessMinutes ${service.accessMinutes}; use 5 to 1440`);
      if (!(service.refreshDays >= 1 && service.refreshDays <= 3650))
        say(`refreshDays ${service.refreshDays}; use 1 to 3650`);
    }
    if (service.kind === "chat" && !system.secrets.includes(service.webhook))
      say(`webhook "${service.webhook}" is no declared secret; add it to secrets`);
    if (service.kind === "api") faults.push(...apiFaults(system, name, service));
    if (service.kind === "scheduler" && system.channels[service.queue]?.kind !== "queue")
      say(`queue "${service.queue}" is no declared queue; declare it in channels`);
    if (service.kind === "mailer" && !/^[^@\s]+@[^@\s]+$/.test(service.from))
      say(`from "${service.from}" is no mail address; write name@host`);
  }
  return faults;
}

function isOrigin(text: string): boolean {
  // "https://*" would be any origin again: to a gateway a "*" anywhere is a wildcard.
  return URL.canParse(text) && new URL(text).origin === text && !text.includes("*");
}

export function throttleFaults(throttle: { perSecond: number; burst: number }): Fault[] {
  return (["perSecond", "burst"] as const).flatMap((part) =>
    Number.isInteger(throttle[part]) && throttle[part] > 0
      ? []
      : [`throttle.${part} ${throttle[part]}; use a whole number above 0`],
  );
}

export function channelFaults(system: System): Fault[] {
  return Object.entries(system.channels).flatMap(([name, channel]) => {
    const say = (part: string, value: number, low: number, high: number) =>
      Number.isInteger(value) && value >= low && value <= high
        ? []
        : [`channel "${name}": ${part} ${value}; use a whole number from ${low} to ${high}`];
    // Amazon SQS quotas and Kinesis retention, AWS documentation, read 2026-11.
    if (channel.kind === "queue")
      return [
        ...say("maxReceives", channel.maxReceives, 1, 1000),
        ...say("visibilitySeconds", channel.visibilitySeconds, 0, 43_200),
        ...say("maxBytes", channel.maxBytes, 1024, 1_048_576),
      ];
    if (channel.kind === "stream") return say("retentionHours", channel.retentionHours, 24, 8760);
    return [];
  });
}

export function storeFaults(system: System): Fault[] {
  return Object.entries(system.stores).flatMap(([name, store]) =>
    store.kind !== "objectStore"
      ? []
      : Object.entries(store.folders).flatMap(([folder, { prefix, maxBytes }]) => [
          ...(prefix.endsWith("/") && !prefix.startsWith("/")
            ? []
            : [`store "${name}": folder ${folder}: prefix "${prefix}"; write it as "uploads/"`]),
          ...(maxBytes === undefined || (Number.isInteger(maxBytes) && maxBytes > 0)
            ? []
            : [
                `store "${name}": folder ${folder}: maxBytes ${maxBytes}; use a whole number above 0`,
              ]),
        ]),
  );
}

function apiFaults(system: System, name: string, { url, secret, sandbox }: Api): Fault[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const plain = parsed?.protocol === "https:" && !parsed.username && !parsed.search && !parsed.hash;
  return [
    ...(plain ? [] : [`url "${hidden(url)}"; write it as "https://api.example.com"`]),
    ...(secret === undefined || system.secrets.includes(secret)
      ? []
      : [`secret "${secret}" is no declared secret; add it to secrets`]),
    ...(sandbox === undefined || isFolder(sandbox)
      ? []
      : [`sandbox "${sandbox}"; give a folder from the project's root`]),
  ].map((fault) => `service "${name}": ${fault}`);
}

/** A URL as it may be shown: what stands before an @ can be a password. */
const hidden = (url: string): string => url.replace(/\/\/[^/@]*@/, "//…@");

/** A folder from the project's root: no way out of it. */
export const isFolder = (path: string): boolean =>
  /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/.test(path);

/** Native resources are granted as they are written: nothing in them may be a wildcard. */
export const nativeFaults = (system: System): Fault[] =>
  Object.entries(system.natives).flatMap(([name, native]) =>
    faultsOfNative(native).map((fault) => `native "${name}": ${fault}`),
  );

function faultsOfNative({ arn, actions, because }: Native): Fault[] {
  return [
    ...(/^arn:[\w-]+:[a-z0-9-]+:[a-z0-9-]*:\d*:[^*?\s]+$/.test(arn)
      ? []
      : [`arn "${arn}"; give the whole ARN of one resource, without * or ?`]),
    ...(actions.length > 0 ? [] : ["has no actions; name those that code calls"]),
    ...actions
      .filter((action) => !/^[a-z0-9-]+:[A-Z]\w*$/.test(action))
      .map((action) => `action "${action}"; write one action, such as "events:PutEvents"`),
    ...(because.trim() === "" ? ["says no because; say why no neutral port would do"] : []),
  ];
}
