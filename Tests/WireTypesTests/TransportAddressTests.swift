// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@Suite struct `Transport address` {
    @Test(arguments: [
        "192.0.2.1:443", "0.0.0.0:1", "[2001:db8::1]:443", "[::]:65535", "255.255.255.255:65535",
    ])
    func `is written as it is read`(text: String) {
        #expect(TransportAddress(text)?.description == text)
    }

    @Test func `writes mapped IPv4 without brackets`() {
        #expect(TransportAddress("[::ffff:192.0.2.1]:443")?.description == "192.0.2.1:443")
        #expect(TransportAddress("[2001:DB8::0]:0443")?.description == "[2001:db8::]:443")
    }

    @Test(arguments: [
        "", ":", "443", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
        "192.0.2.1:99999999999999999999", "192.0.2.1:+1", "192.0.2.1:-1", "192.0.2.1: 1",
        "192.0.2.1:٤", "192.0.2.1:1:2", "[192.0.2.1]:443", "2001:db8::1:443", "2001:db8::1",
        "[2001:db8::1]", "[2001:db8::1]443", "[2001:db8::1:443", "2001:db8::1]:443",
        "[[::1]]:443", "[]:443", ":443", "[::1%eth0]:443", "host:443",
    ])
    func `is refused when it is anything else`(text: String) {
        #expect(TransportAddress(text) == nil)
    }

    @Test func `orders by address, then port`() throws {
        let texts = ["1.2.3.4:5", "1.2.3.4:10", "1.2.3.5:1", "[::1]:1", "[::1]:2"]
        let addresses = try texts.map { try #require(TransportAddress($0)) }
        #expect(addresses.reversed().sorted() == addresses)
    }

    @Test func `keeps the port 0 of a packet`() {
        let address = TransportAddress(IPAddress(v4: 0x0102_0304), 0)
        #expect(address.description == "1.2.3.4:0")
    }
}

@Suite struct `TCP port` {
    @Test func `is 1 to 65535`() {
        #expect(Port(0) == nil)
        #expect(Port(1)?.rawValue == 1)
        #expect(Port(.max)?.description == "65535")
        #expect(Port(text: "443") == Port(443))
        #expect(Port(text: "0") == nil)
        #expect(Port(text: "65535") == Port(65535))
        for text in ["", "65536", "+1", "-1", " 1", "1 ", "0x10", "١"] {
            #expect(Port(text: text) == nil, "\(text)")
        }
    }

    @Test func `orders by number`() throws {
        let ports = try [1, 80, 443, 65535].map { try #require(Port($0)) }
        #expect(ports.reversed().sorted() == ports)
    }
}

@Suite struct `Flow tuple` {
    @Test func `turns round`() throws {
        let tuple = FlowTuple(
            source: try #require(TransportAddress("192.0.2.7:50000")),
            destination: try #require(TransportAddress("[2001:db8::1]:443")))
        #expect(tuple.description == "192.0.2.7:50000 → [2001:db8::1]:443")
        #expect(tuple.reversed.description == "[2001:db8::1]:443 → 192.0.2.7:50000")
        #expect(tuple.reversed.reversed == tuple)
        #expect(tuple.reversed != tuple)
    }
}
