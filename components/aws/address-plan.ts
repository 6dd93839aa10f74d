import type { Fault } from "../shared/validation.ts";

/** Address ranges of a network's subnets, one a zone each. */
export interface AddressPlan {
  /** Behind NAT or nothing: workloads. A half of the range. */
  readonly inside: readonly string[];
  /** Without a way out: databases and caches. */
  readonly stores: readonly string[];
  /** With public addresses: NAT gateways. */
  readonly outside: readonly string[];
}

/** The smallest range that leaves each public subnet 16 addresses, the least of AWS: a /24. */
const smallest = 22;
/** A VPC's largest (Amazon VPC User Guide, VPC CIDR blocks, 2026). */
const largest = 16;
/** Four zones fit the plan; a database and a load balancer need two. */
export const zoneCounts = [2, 3, 4] as const;

/** What is wrong with a network's range. */
export function rangeFault(cidr: string): Fault | undefined {
  const [, a, b, c, d, bits] =
    /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr) ?? [];
  const parts = [a, b, c, d].map(Number);
  if (bits === undefined || parts.some((part) => part > 255))
    return `range "${cidr}"; write it as "10.0.0.0/16"`;
  if (Number(bits) < largest || Number(bits) > smallest)
    return `range "${cidr}" of ${bits} bits; use ${largest} to ${smallest}`;
  if (start(cidr) % 2 ** (32 - Number(bits)) !== 0)
    return `range "${cidr}" does not begin at its own start; write it as "${text(start(cidr) - (start(cidr) % 2 ** (32 - Number(bits))))}/${bits}"`;
  return undefined;
}

/**
 * Cuts a range into subnets, for up to four zones: eighths of it for workloads, sixteenths for stores
 * and for public addresses. A zone more leaves the others' ranges as they are.
 * @param cidr a range without {@link rangeFault}
 */
export function planAddresses(cidr: string, zones: number): AddressPlan {
  const bits = Number(cidr.split("/")[1]);
  const cut = (parts: number, first: number) => {
    const mask = bits + Math.log2(parts);
    return Array.from(
      { length: zones },
      (_, zone) => `${text(start(cidr) + (first + zone) * 2 ** (32 - mask))}/${mask}`,
    );
  };
  return { inside: cut(8, 0), stores: cut(16, 8), outside: cut(16, 12) };
}

const start = (cidr: string): number =>
  (cidr.split("/")[0] ?? "").split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

const text = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
