import type { Fault } from "../shared/validation.ts";
import type { Reach } from "./security-groups.ts";

/** Files that the task writes for itself: its image's own are made for another way of starting. */
const files = { clamd: "/tmp/clamd.conf", freshclam: "/tmp/freshclam.conf" } as const;
const signatures = "/var/lib/clamav";

/**
 * How clamd behaves (clamd.conf(5), 1.5). What is too large or too deep to be looked at as a whole is
 * reported as found: without that clamd would call it clean.
 */
const clamdSettings = (port: number): readonly string[] => [
  `TCPSocket ${port}`,
  "TCPAddr 0.0.0.0",
  `DatabaseDirectory ${signatures}`,
  "TemporaryDirectory /tmp",
  "LogTime yes",
  "StreamMaxLength 100M",
  "MaxFileSize 100M",
  "MaxScanSize 400M",
  "AlertExceedsMax yes",
];

/** How signatures are kept fresh (freshclam.conf(5), 1.5): every two hours, its default. */
const freshclamSettings: readonly string[] = [
  "DatabaseMirror database.clamav.net",
  `DatabaseDirectory ${signatures}`,
  `NotifyClamd ${files.clamd}`,
  "Checks 12",
];

/** What a scanner's task runs, in a shell: freshclam beside clamd, without any rights. */
export function clamdCommand(port: number): string {
  const write = (file: string, lines: readonly string[]) =>
    `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(" ")} > ${file}`;
  return [
    "set -eu",
    write(files.clamd, clamdSettings(port)),
    write(files.freshclam, freshclamSettings),
    `freshclam --daemon --foreground --stdout --config-file=${files.freshclam} &`,
    `exec clamd --foreground --config-file=${files.clamd}`,
  ].join("\n");
}

/** Whether clamd answers: an open port does not tell that it has its signatures. */
export const clamdPing = `clamdscan --config-file=${files.clamd} --ping 1`;

/** What keeps scanners from running. */
export const scannerFaults = (scanners: readonly string[], { internet }: Reach): Fault[] => [
  ...(scanners.length > 0 ? [] : ["no workload uses a scanner; leave it out"]),
  ...(internet
    ? []
    : scanners.map(
        (name) =>
          `scanner "${name}" fetches its image and its signatures from the internet; give network.nat: one`,
      )),
];
