// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@Suite struct `Address block` {
    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"),
        ("10.1.2.3/32", "10.1.2.3/32"), ("10.1.2.3/31", "10.1.2.2/31"), ("1.2.3.4/0", "0.0.0.0/0"),
        ("2001:db8:ffff::1/33", "2001:db8:8000::/33"), ("2001:db8::1", "2001:db8::1/128"),
        ("2001:db8::ffff/64", "2001:db8::/64"),
        ("2001:db8:0:1:ffff::/65", "2001:db8:0:1:8000::/65"),
        ("2001:db8:0:1::/63", "2001:db8::/63"), ("ffff::1/0", "::/0"), ("::3/127", "::2/127"),
    ])
    func `clears the bits of the host`(text: String, canonical: String) {
        #expect(AddressBlock(text)?.description == canonical)
        #expect(AddressBlock(canonical) == AddressBlock(text))
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
        "10.0.0.0/ 8", "10.0.0.0/x", "10.0.0/8", "::/129", "::/-0", "[::]/0", "10.0.0.0/٨",
        "10.0.0.0/99999999999999999999",
    ])
    func `is refused when it is none`(text: String) {
        #expect(AddressBlock(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"), ("10.0.0.0/8", "10.0.0.0", "9.255.255.255"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.0"), ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
        ("0.0.0.0/0", "255.255.255.255", "::1"), ("::/0", "ffff::", "10.0.0.1"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("2001:db8::/64", "2001:db8::ffff:0:0:1", "2001:db8:0:1::"),
        ("2001:db8::/65", "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:0"),
    ])
    func `contains addresses of its family inside`(text: String, inside: String, outside: String)
        throws
    {
        let block = try #require(AddressBlock(text))
        #expect(block.contains(try #require(IPAddress(inside))))
        #expect(!block.contains(try #require(IPAddress(outside))))
    }
}
