import { BlockList, isIPv4, isIPv6 } from 'node:net';

// IANA's registries of special-purpose addresses: none of these is a server on the internet.
const ipv4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
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
// Those that carry an IPv4 address inside (mapped, NAT64, 6to4, Teredo) could mean any of the above.
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

// Two lists, since one would take every IPv4 address for the mapped form that the other forbids.
const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [address, prefix] of ipv4) lists.ipv4.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of ipv6) lists.ipv6.addSubnet(address, prefix, 'ipv6');

/** Whether an IP address is one of the internet: not this machine, not a private network, not a cloud's metadata. */
export function isPublicAddress(address: string): boolean {
  const plain = address.split('%', 1)[0] ?? '';
  if (isIPv4(plain)) return !lists.ipv4.check(plain, 'ipv4');
  return isIPv6(plain) && !lists.ipv6.check(plain, 'ipv6');
}
