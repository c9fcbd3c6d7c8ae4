// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

struct TCPFlags: OptionSet, CustomStringConvertible {
    let rawValue: UInt8
    static let fin = TCPFlags(rawValue: 0x01)
    static let syn = TCPFlags(rawValue: 0x02)
    static let rst = TCPFlags(rawValue: 0x04)
    static let psh = TCPFlags(rawValue: 0x08)
    static let ack = TCPFlags(rawValue: 0x10)
    static let cwr = TCPFlags(rawValue: 0x80)

    var description: String {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]
        return names.indices.filter { rawValue >> $0 & 1 == 1 }.map { names[$0] }
            .joined(separator: " ")
    }
}

struct Timestamps: Equatable {
    var value, echo: UInt32
}

struct SACKBlock: Equatable {
    var left, right: UInt32
}

/// The options that a translation concerns (RFC 9293 §3.1, RFC 7323, RFC 2018).
struct TCPOptions {
    var scale: Int?
    var permitsSACK = false
    var sacks: [SACKBlock] = []
    var timestamps: Timestamps?

    /// Reads options as far as their lengths make sense.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        var at = range.lowerBound
        while at < range.upperBound, bytes[at] != 0 {
            if bytes[at] == 1 {
                at += 1
                continue
            }
            guard at + 1 < range.upperBound else { return }
            let length = Int(bytes[at + 1])
            guard length >= 2, at + length <= range.upperBound else { return }
            read(bytes, at, length)
            at += length
        }
    }

    private mutating func read(_ bytes: [UInt8], _ at: Int, _ length: Int) {
        switch (bytes[at], length) {
        case (3, 3): scale = min(Int(bytes[at + 2]), 14)
        case (4, 2): permitsSACK = true
        case (5, _):
            for edge in stride(from: at + 2, to: at + length - 7, by: 8) {
                sacks.append(SACKBlock(left: bytes.word(edge), right: bytes.word(edge + 4)))
            }
        case (8, 10):
            timestamps = Timestamps(value: bytes.word(at + 2), echo: bytes.word(at + 6))
        default: break
        }
    }
}

/// A TCP packet of a capture.
struct TCPPacket {
    var wire: Wire
    let number: Int
    let time: UInt64
    let tuple: FlowTuple
    let sequence, acknowledgement: UInt32
    let flags: TCPFlags
    let window: Int
    let options: TCPOptions
    /// The frame, and where in it the data is.
    let bytes: [UInt8]
    let payload: Range<Int>
    let isHeaderRight: Bool
    let isChecksumRight: Bool
    /// The checksum is the pseudo-header's alone.
    let isPartial: Bool

    /// Nobody will believe the packet.
    var isCorrupt: Bool { !isHeaderRight || !isChecksumRight }

    /// How far it moves the sequence number (RFC 9293 §3.4).
    var length: Int {
        payload.count + (flags.contains(.fin) ? 1 : 0) + (flags.contains(.syn) ? 1 : 0)
    }
}

/// An ICMP error of a capture, and the packet that it quotes.
struct ICMPError {
    let wire: Wire
    let number: Int
    let time: UInt64
    let source, destination: IPAddress
    /// Nil when it quotes no TCP.
    let quoted: FlowTuple?
    let quotedSource, quotedDestination: IPAddress
    let quotedSequence: UInt32
    let isCorrupt: Bool
}
