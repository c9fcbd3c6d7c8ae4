// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// One TCP connection on one wire, from its SYN on.
struct Connection {
    /// From who sent the SYN to who answered.
    let tuple: FlowTuple
    let initiatorISN: UInt32
    let responderISN: UInt32
    let initiatorScale: Int
    let responderScale: Int
    let hasSACK: Bool
    /// In the order of their times.
    var packets: [TCPPacket]

    func isFromInitiator(_ packet: TCPPacket) -> Bool { packet.tuple == tuple }

    /// The first bytes that the initiator sent, or fewer if they did not come.
    func firstBytes(_ count: Int) -> [UInt8] {
        let space = SequenceSpace(isn: initiatorISN)
        var bytes: [UInt8] = []
        // Again from the start for what came before what stands in front of it.
        var isGrowing = true
        while isGrowing, bytes.count < count {
            let before = bytes.count
            for packet in packets where isFromInitiator(packet) && !packet.isCorrupt {
                let skipped = bytes.count - space.offset(packet.sequence)
                guard !packet.flags.contains(.syn), skipped >= 0, skipped < packet.payload.count
                else { continue }
                bytes += packet.bytes[packet.payload].dropFirst(skipped)
                if bytes.count >= count { break }
            }
            isGrowing = bytes.count > before
        }
        return [UInt8](bytes.prefix(count))
    }
}

/// The packets between two sockets, parted into the connections that they had one after the other.
struct Conversation {
    private(set) var connections: [Connection] = []
    /// What belongs to none: refused attempts, strays.
    private(set) var others: [TCPPacket] = []

    /// initiator: of all connections; nil: who sent the first SYN.
    init(_ packets: [TCPPacket], isInitiator: (TransportAddress) -> Bool?) {
        guard let tuple = Self.tuple(packets, isInitiator) else {
            others = packets
            return
        }
        var current: Connection?
        for packet in packets {
            if packet.tuple == tuple, packet.flags.contains(.syn), !packet.flags.contains(.ack),
                packet.sequence != current?.initiatorISN, !packet.isCorrupt,
                let next = Self.begin(packet, tuple, packets)
            {
                if let current { connections.append(current) }
                current = next
            }
            if current != nil { current?.packets.append(packet) } else { others.append(packet) }
        }
        if let current { connections.append(current) }
    }

    private static func tuple(
        _ packets: [TCPPacket], _ isInitiator: (TransportAddress) -> Bool?
    ) -> FlowTuple? {
        if let first = packets.first, let isFirst = isInitiator(first.tuple.source) {
            return isFirst ? first.tuple : first.tuple.reversed
        }
        return packets.first {
            $0.flags.contains(.syn) && !$0.flags.contains(.ack) && !$0.isCorrupt
        }?.tuple
    }

    /// A connection, if the SYN was answered by a SYN-ACK.
    private static func begin(_ syn: TCPPacket, _ tuple: FlowTuple, _ packets: [TCPPacket])
        -> Connection?
    {
        let answers = packets.filter {
            $0.tuple == tuple.reversed && $0.flags.isSuperset(of: [.syn, .ack])
                && $0.acknowledgement == syn.sequence &+ 1 && !$0.isCorrupt
        }
        guard let first = answers.first else { return nil }
        // Of several answers that differ, the one that was believed.
        let numbers = Set(answers.map(\.sequence))
        let acknowledged = packets.first {
            $0.tuple == tuple && $0.flags.contains(.ack) && !$0.flags.contains(.rst)
                && numbers.contains($0.acknowledgement &- 1)
        }
        let answer =
            answers.first { $0.sequence == acknowledged.map { $0.acknowledgement &- 1 } } ?? first
        let isScaled = syn.options.scale != nil && answer.options.scale != nil
        return Connection(
            tuple: tuple, initiatorISN: syn.sequence, responderISN: answer.sequence,
            initiatorScale: isScaled ? syn.options.scale ?? 0 : 0,
            responderScale: isScaled ? answer.options.scale ?? 0 : 0,
            hasSACK: syn.options.permitsSACK && answer.options.permitsSACK, packets: [])
    }
}
