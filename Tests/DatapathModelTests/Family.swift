// SPDX-License-Identifier: Apache-2.0

import DatapathModel

/// The tuples of a family.
///
/// BPF_PROG_TEST_RUN takes the protocol from bytes 12 and 13 of what it is given, Ethernet or not:
/// the addresses that packets come from are such that these bytes of a bare IP header say it too.
struct Family: Sendable {
    let isIPv6: Bool
    let client: Tuple
    let upstream: Tuple
    /// Balancer to an endpoint that no route leads to.
    let unreachable: Tuple
    let router: Address

    static let all = [v4, v6]
    /// Where answers to `upstream` come from.
    static let endpoints = all.map {
        (address: $0.upstream.destination, port: $0.upstream.destinationPort)
    }

    static let v4 = Family(
        isIPv6: false,
        client: Tuple(
            source: Address(v4: 0x0800_0007), destination: Address(v4: 0xc000_0201),
            sourcePort: 50000, destinationPort: 443),
        upstream: Tuple(
            source: Address(v4: 0xc633_6409), destination: Address(v4: 0x0800_0202),
            sourcePort: 20001, destinationPort: 8443),
        unreachable: Tuple(
            source: Address(v4: 0xc633_6409), destination: Address(v4: 0xcb00_7102),
            sourcePort: 20001, destinationPort: 8443),
        router: Address(v4: 0x0800_0901))

    static let v6 = Family(
        isIPv6: true,
        client: Tuple(
            source: Address(high: 0x2001_0db8_86dd_0000, low: 7),
            destination: Address(high: 0x2001_0db8_0001_0000, low: 1), sourcePort: 50000,
            destinationPort: 443),
        upstream: Tuple(
            source: Address(high: 0x2001_0db8_0001_0000, low: 9),
            destination: Address(high: 0x2001_0db8_86dd_0002, low: 2), sourcePort: 20001,
            destinationPort: 8443),
        unreachable: Tuple(
            source: Address(high: 0x2001_0db8_0001_0000, low: 9),
            destination: Address(high: 0x2001_0db8_dead_0000, low: 2), sourcePort: 20001,
            destinationPort: 8443),
        router: Address(high: 0x2001_0db8_86dd_0009, low: 1))

    /// The bench's routes: one device, and a network that cannot be reached.
    static func route(on interface: UInt32) -> @Sendable (Address) -> NextHop? {
        { destination in
            if destination.isIPv4
                ? destination.v4 >> 8 == 0xcb_0071
                : destination.high >> 16 == 0x2001_0db8_dead
            {
                return nil
            }
            var hop = NextHop()
            hop.interface = interface
            hop.family = destination.isIPv4 ? 2 : 10
            hop.mtu = 0xffff
            hop.address = destination
            return hop
        }
    }
}
