// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@Suite struct `IP address` {
    private func ipv6(_ high: UInt64, _ low: UInt64) -> IPAddress {
        IPAddress(high: high, low: low)
    }

    @Test func `is IPv4 when it is mapped`() {
        let address = IPAddress(v4: 0x0a00_0001)
        #expect(address.isIPv4)
        #expect(address.v4 == 0x0a00_0001)
        #expect(address == IPAddress(high: 0, low: 0xffff_0a00_0001))
        #expect(IPAddress("::ffff:10.0.0.1") == address)
        #expect(IPAddress("::ffff:a00:1") == address)
        #expect(ipv6(0, 1).v4 == nil)
        #expect(ipv6(1, 0xffff_0a00_0001).v4 == nil)
        #expect(ipv6(0, 0x1_ffff_0a00_0001).v4 == nil)
    }

    @Test func `hands out its bytes as on the wire`() {
        let address = ipv6(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f)
        #expect((0..<16).map { address[$0] } == Array(0...15))
        let mapped = IPAddress(v4: 0xc000_0201)
        #expect((10..<16).map { mapped[$0] } == [255, 255, 192, 0, 2, 1])
    }

    @Test func `knows what it is for`() {
        #expect(IPAddress("0.0.0.0")?.isUnspecified == true)
        #expect(IPAddress("::")?.isUnspecified == true)
        #expect(IPAddress("::1")?.isUnspecified == false)
        for text in ["127.0.0.1", "127.255.255.255", "::1"] {
            #expect(IPAddress(text)?.isLoopback == true, "\(text)")
        }
        for text in ["126.255.255.255", "128.0.0.0", "::", "::2", "1::1"] {
            #expect(IPAddress(text)?.isLoopback == false, "\(text)")
        }
        for text in ["169.254.0.0", "169.254.255.255", "fe80::", "febf:ffff::1"] {
            #expect(IPAddress(text)?.isLinkLocal == true, "\(text)")
        }
        for text in ["169.253.255.255", "169.255.0.0", "fec0::", "fe7f::", "::fe80"] {
            #expect(IPAddress(text)?.isLinkLocal == false, "\(text)")
        }
    }

    @Test func `orders IPv4 before IPv6, then by value`() throws {
        let texts = ["0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "1::", "ffff::1"]
        let addresses = try texts.map { try #require(IPAddress($0)) }
        #expect(addresses.reversed().sorted() == addresses)
    }
}
