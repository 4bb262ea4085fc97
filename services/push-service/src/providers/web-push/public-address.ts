import { BlockList, isIPv4, isIPv6 } from 'node:net';

// Whoever subscribes names an address that we will connect to, from within the operator's network. IANA's registries of
// special-purpose addresses (RFC 6890) say which addresses are not on the public internet.

const special4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private use, RFC 1918
  '100.64.0.0/10', // shared by carriers, RFC 6598
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local; cloud metadata
  '172.16.0.0/12',
  '192.0.0.0/24', // IETF protocols
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays, RFC 7526
  '192.168.0.0/16',
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];

/** The only IPv6 block that is given out as global unicast (RFC 4291 §2.4)… */
const global6 = '2000::/3';
/** …except for these parts of it. */
const special6 = [
  '2001::/23', // IETF protocols; Teredo, which carries an IPv4 address
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4, which carries an IPv4 address
  '3fff::/20', // documentation
];
/** The address of an IPv4 host behind NAT64 (RFC 6052 §2.1): as public as that host. */
const nat64 = '64:ff9b::/96';

const listOf = (subnets: readonly string[], type: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', bits] = subnet.split('/');
    list.addSubnet(network, Number(bits), type);
  }
  return list;
};

const lists = {
  special4: listOf(special4, 'ipv4'),
  global6: listOf([global6], 'ipv6'),
  special6: listOf(special6, 'ipv6'),
  nat64: listOf([nat64], 'ipv6'),
};

/** Whether an IP address is on the public internet. */
export const isPublicAddress = (address: string): boolean => {
  if (isIPv4(address)) return !lists.special4.check(address, 'ipv4');
  // A zone names an interface of this machine.
  if (!isIPv6(address) || address.includes('%')) return false;
  if (lists.nat64.check(address, 'ipv6')) return isPublicAddress(lastFourBytes(address));
  return lists.global6.check(address, 'ipv6') && !lists.special6.check(address, 'ipv6');
};

/** The IPv4 address at the end of an IPv6 one. WHATWG URL normalises its spelling. */
const lastFourBytes = (address: string): string => {
  const host = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [high = '', low = ''] = (host.endsWith('::') ? `${host}0` : host).split(':').slice(-2);
  const [a, b] = [Number.parseInt(high || '0', 16), Number.parseInt(low || '0', 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
};
