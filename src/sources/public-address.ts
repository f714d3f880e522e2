import { BlockList, isIPv4, isIPv6 } from 'node:net';

// The special-purpose addresses of the IANA registries; none of them belongs to a server on the public internet.
const ipv4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // The platform services of Azure, reachable from its machines only.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;
// Prefixes with an embedded IPv4 address (mapped, NAT64, 6to4, Teredo) can stand for any address above.
const ipv6 = [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 9],
  ['ff00::', 8],
] as const;

// Two lists: in one list, an IPv4 address would match the IPv4-mapped prefix of IPv6.
const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [address, prefix] of ipv4) lists.ipv4.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of ipv6) lists.ipv6.addSubnet(address, prefix, 'ipv6');

/** True for an IP address on the public internet; false for this machine, private networks and cloud metadata services. */
export function isPublicAddress(address: string): boolean {
  const plain = address.split('%', 1)[0] ?? '';
  if (isIPv4(plain)) return !lists.ipv4.check(plain, 'ipv4');
  return isIPv6(plain) && !lists.ipv6.check(plain, 'ipv6');
}
