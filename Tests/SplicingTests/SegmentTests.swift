// SPDX-License-Identifier: Apache-2.0

import Splicing
import Testing
import WireTypes

@Suite struct `Segments` {
    private func packet(_ segment: Segment) -> [UInt8] {
        var packet: [UInt8] = [1, 2, 3]
        segment.write(into: &packet)
        return packet
    }

    private var syn: Segment {
        Segment(
            tuple: FlowTuple(source: at("10.0.0.1:20000"), destination: at("10.0.1.1:443")),
            sequence: 0xdead_beef, flags: .syn)
    }

    /// Put together and summed by hand, in Python.
    @Test func `are whole IPv4 packets with the options of Linux`() {
        var segment = syn
        segment.window = 64240
        segment.mss = 1460
        segment.permitsSACK = true
        segment.timestamp = 123_456_789
        segment.windowScale = 9
        let expected: [UInt8] = [
            0x45, 0x00, 0x00, 0x3c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x00, 0x00,
            0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x01, 0x01,
            0x4e, 0x20, 0x01, 0xbb, 0xde, 0xad, 0xbe, 0xef, 0x00, 0x00, 0x00, 0x00,
            0xa0, 0x02, 0xfa, 0xf0, 0x76, 0x22, 0x00, 0x00,
            0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0x07, 0x5b, 0xcd, 0x15,
            0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x09,
        ]
        #expect(packet(segment) == expected)
    }

    @Test func `are whole IPv6 packets`() {
        let segment = Segment(
            tuple: FlowTuple(
                source: at("[2001:db8::1]:443"), destination: at("[2001:db8:ffff::7]:50000")),
            sequence: 7_000_001, flags: .reset)
        let expected: [UInt8] = [
            0x60, 0x00, 0x00, 0x00, 0x00, 0x14, 0x06, 0x40,
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01,
            0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x07,
            0x01, 0xbb, 0xc3, 0x50, 0x00, 0x6a, 0xcf, 0xc1, 0x00, 0x00, 0x00, 0x00,
            0x50, 0x04, 0x00, 0x00, 0xbf, 0x2f, 0x00, 0x00,
        ]
        #expect(packet(segment) == expected)
    }

    /// Summed by hand, in Python.
    @Test func `carry data behind their options`() {
        var segment = Segment(
            tuple: FlowTuple(source: at("10.0.0.1:20000"), destination: at("10.0.1.1:443")),
            sequence: 0xdead_beef, flags: [.acknowledge, .push])
        segment.acknowledgement = 0x0102_0304
        segment.window = 501
        segment.timestamp = 123_456_789
        segment.timestampEcho = 987_654_321
        segment.payload = [1, 2, 3]
        let expected: [UInt8] = [
            0x45, 0x00, 0x00, 0x37, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x00, 0x00,
            0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x01, 0x01,
            0x4e, 0x20, 0x01, 0xbb, 0xde, 0xad, 0xbe, 0xef, 0x01, 0x02, 0x03, 0x04,
            0x80, 0x18, 0x01, 0xf5, 0xf2, 0x3a, 0x00, 0x00,
            0x01, 0x01, 0x08, 0x0a, 0x07, 0x5b, 0xcd, 0x15, 0x3a, 0xde, 0x68, 0xb1,
            1, 2, 3,
        ]
        #expect(packet(segment) == expected)
    }

    /// MSS, SACK, timestamps, scale → the options' bytes.
    static let layouts: [@Sendable (Segment) -> (Segment, [UInt8])] = [
        { ($0, []) },
        {
            var s = $0; s.mss = 536; return (s, [2, 4, 2, 24])
        },
        {
            var s = $0; s.permitsSACK = true; return (s, [1, 1, 4, 2])
        },
        {
            var s = $0; s.windowScale = 14; return (s, [1, 3, 3, 14])
        },
        {
            var s = $0; s.timestamp = 1; return (s, [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0])
        },
        {
            var s = $0
            s.timestamp = 1
            s.permitsSACK = true
            return (s, [4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0])
        },
        {
            var s = $0
            s.mss = 1460
            s.permitsSACK = true
            s.windowScale = 0
            return (s, [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 0])
        },
    ]

    @Test(arguments: layouts.indices)
    func `carry the options they are given and no others`(index: Int) {
        let (segment, options) = Self.layouts[index](syn)
        let packet = packet(segment)
        #expect(Array(packet[40...]) == options)
        #expect(Int(packet[32] >> 4) * 4 == 20 + options.count)
        #expect(Int(packet[3]) == packet.count)
        // A sum over what the checksum covers, the checksum included, is all ones.
        var sum = InternetChecksum()
        sum.add(segment.tuple.source.address)
        sum.add(segment.tuple.destination.address)
        sum.add(UInt16(6))
        sum.add(UInt16(packet.count - 20))
        sum.add(packet.span.extracting(20...))
        #expect(sum.folded == 0xffff)
    }

    @Test func `carry an acknowledgement only with its flag`() {
        var segment = syn
        segment.acknowledgement = 0x0102_0304
        #expect(Array(packet(segment)[28..<32]) == [0, 0, 0, 0])
        segment.flags = [.reset, .acknowledge]
        #expect(Array(packet(segment)[28..<32]) == [1, 2, 3, 4])
        #expect(packet(segment)[33] == 0x14)
    }
}
