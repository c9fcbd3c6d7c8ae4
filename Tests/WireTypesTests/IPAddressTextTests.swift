// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@Suite struct `Text of an IP address` {
    /// RFC 5952 §4 and §2: how it may be written, and how we write it.
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("2001:db8::1", "2001:db8::1"), ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("2001:db8::aaaa:0:0:1", "2001:db8::aaaa:0:0:1"),
        ("2001:db8:0:0:aaaa::1", "2001:db8::aaaa:0:0:1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:DB8::A", "2001:db8::a"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:0", "::"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("1:0:0:4:5:0:0:8", "1::4:5:0:0:8"),
        ("fe80::1:0:0", "fe80::1:0:0"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("::1.2.3.4", "::102:304"),
    ])
    func `is read in every form and written in one`(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(arguments: [
        "", ".", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.256", "1.2.3.04",
        "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "+1.2.3.4", "0x1.2.3.4", "1.2.3.4444",
        "1.2.3.٤", "1.2.3.4\0", "a.b.c.d", "localhost",
    ])
    func `is refused when it is no IPv4 address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ":", ":::", "1:", ":1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:::2", "12345::",
        "g::", "::1%eth0", "[::1]", "::1/64", "1:2:3:4:5:6:7::8", "1::2:3:4:5:6:7:8", "::1.2.3",
        "::1.2.3.256", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "1::1.2.3.4:1", ":1::2",
        "1::2:", "::-1", "::+1", "::１", "::\0", " ::1", "::1 ",
    ])
    func `is refused when it is no IPv6 address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `survives the way there and back, whatever the groups`() {
        for mask in 0..<256 {
            var halves: (UInt64, UInt64) = (0, 0)
            for group in 0..<8 where mask >> group & 1 == 1 {
                let bits = UInt64(0xa0 + group) << UInt64(48 - group % 4 * 16)
                if group < 4 { halves.0 |= bits } else { halves.1 |= bits }
            }
            let address = IPAddress(high: halves.0, low: halves.1)
            #expect(IPAddress(address.description) == address, "\(address)")
        }
    }
}
