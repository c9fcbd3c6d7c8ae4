// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@Suite struct `Internet checksum` {
    private func checksum(_ pieces: [UInt8]...) -> InternetChecksum {
        var sum = InternetChecksum()
        for piece in pieces { sum.add(piece.span) }
        return sum
    }

    @Test func `is that of RFC 1071`() {
        let sum = checksum([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])
        #expect(sum.folded == 0xddf2)
        #expect(sum.checksum == 0x220d)
        #expect(InternetChecksum().checksum == 0xffff)
    }

    @Test func `is that of an IPv4 header`() {
        let header: [UInt8] = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 0xc0, 0xa8,
            0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
        ]
        #expect(checksum(header).checksum == 0xb861)
        var whole = checksum(header)
        whole.add(0xb861 as UInt16)
        #expect(whole.folded == 0xffff)
    }

    @Test func `does not care where the bytes are cut`() {
        let bytes = (0..<41).map { UInt8(truncatingIfNeeded: $0 * 37 + 200) }
        let whole = checksum(bytes).folded
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let cut = checksum(
                    Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...]))
                #expect(cut.folded == whole, "cut at \(first) and \(second)")
            }
        }
        var single = InternetChecksum()
        for index in bytes.indices {
            single.add(bytes.span.extracting(index..<index + 1))
            single.add([UInt8]().span)
        }
        #expect(single.folded == whole)
    }

    @Test func `takes an odd last byte as the high one`() {
        #expect(checksum([0x12]).folded == 0x1200)
        #expect(checksum([0x12], [0x34]).folded == 0x1234)
        #expect(checksum([0x12, 0x34, 0x56]).folded == 0x6834)
    }

    @Test func `takes words and addresses as their bytes`() throws {
        var words = InternetChecksum()
        words.add(0x1234 as UInt16)
        words.add(0xdead_beef as UInt32)
        #expect(words.folded == checksum([0x12, 0x34, 0xde, 0xad, 0xbe, 0xef]).folded)
        for text in ["192.0.2.1", "2001:db8:ffff:fffe::1234:1"] {
            let address = try #require(IPAddress(text))
            var sum = InternetChecksum()
            sum.add(address)
            let bytes = ((address.isIPv4 ? 12 : 0)..<16).map { address[$0] }
            #expect(sum.folded == checksum(bytes).folded, "\(text)")
        }
    }

    @Test func `carries round the end until nothing is left to carry`() {
        #expect(checksum([UInt8](repeating: 0xff, count: 131_072)).folded == 0xffff)
        var sum = InternetChecksum()
        for _ in 0..<70_000 { sum.add(UInt32.max) }
        #expect(sum.folded == 0xffff)
        sum.add(1 as UInt16)
        #expect(sum.folded == 1)
    }

    @Test func `of a word behind an odd byte is that of the bytes in order`() {
        var sum = checksum([0x12])
        sum.add(0x3456 as UInt16)
        #expect(sum.folded == checksum([0x12, 0x34, 0x56]).folded)
        var long = checksum([0x12])
        long.add(0x3456_789a as UInt32)
        long.add([0xbc].span)
        #expect(long.folded == checksum([0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]).folded)
    }
}
