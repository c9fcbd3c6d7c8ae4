// SPDX-License-Identifier: Apache-2.0
import DatapathTesting
import WireChecking
import WireTypes

enum End: Sendable, CaseIterable {
    case client, endpoint
}

/// A TCP packet as its sender means it; offsets count from 0 behind the SYN.
struct Meant: Sendable {
    var offset = 0
    var count = 0
    var flags: TCPFlags = [.ack]
    var acknowledged = 0
    var sacks: [Range<Int>] = []
    /// Ticks since the sender's, and the receiver's, SYN.
    var time: UInt32 = 0
    var echo: UInt32 = 0
    /// In bytes.
    var window = 1 << 18
}

/// A flow that a perfect balancer splices, captured on both wires.
struct SyntheticFlow: Sendable {
    /// What the numbers of one wire begin with.
    struct Numbers: Sendable {
        var tuple: FlowTuple
        var clientISN: UInt32
        var endpointISN: UInt32
        var clientTime: UInt32
        var endpointTime: UInt32
        var clientScale: UInt8
        var endpointScale: UInt8
    }

    var front: Numbers
    var back: Numbers
    var hasTimestamps = true
    var isPartial = false
    var frontCapture = Capture()
    var backCapture = Capture()
    private(set) var now: UInt64 = 1_800_000_000_000_000_000

    init(isIPv6: Bool = false, port: UInt16 = 40000) throws {
        func tuple(_ source: String, _ destination: String) throws -> FlowTuple {
            let words = [source, destination].compactMap { TransportAddress($0) }
            guard words.count == 2 else { throw CaptureFault() }
            return FlowTuple(source: words[0], destination: words[1])
        }
        front = Numbers(
            tuple: try isIPv6
                ? tuple("[2001:db8:c::10]:\(port)", "[2001:db8:f::1]:443")
                : tuple("198.51.100.10:\(port)", "192.0.2.1:443"),
            clientISN: 1_000_000, endpointISN: 77_000_000, clientTime: 5_000,
            endpointTime: 900_000, clientScale: 7, endpointScale: 9)
        back = Numbers(
            tuple: try isIPv6
                ? tuple("[fd00:e::1]:\(port + 1)", "[fd00:e::10]:9093")
                : tuple("10.0.0.1:\(port + 1)", "10.0.0.10:9093"),
            clientISN: 3_000_000_000, endpointISN: 200, clientTime: 40_000_000,
            endpointTime: 12, clientScale: 7, endpointScale: 11)
    }

    struct CaptureFault: Error {}

    /// What the ends send: no byte of one tells where in the other it is.
    static func byte(_ end: End, _ offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: offset &* 167 ^ offset >> 5 ^ (end == .client ? 0 : 0x5a))
    }

    private func numbers(_ wire: Wire) -> Numbers { wire == .front ? front : back }

    /// The packet on one wire.
    func packet(_ meant: Meant, from end: End, on wire: Wire) -> TestPacket {
        let numbers = numbers(wire)
        let isClient = end == .client
        var packet = TestPacket(isClient ? numbers.tuple : numbers.tuple.reversed)
        if link(wire) == .rawIP { packet.link = nil }
        let (own, other) =
            isClient
            ? (numbers.clientISN, numbers.endpointISN) : (numbers.endpointISN, numbers.clientISN)
        packet.sequence = own &+ 1 &+ UInt32(truncatingIfNeeded: meant.offset)
        packet.flags = meant.flags
        if meant.flags.contains(.ack) {
            packet.acknowledgement = other &+ 1 &+ UInt32(truncatingIfNeeded: meant.acknowledged)
        }
        let isSyn = meant.flags.contains(.syn)
        let scale = isClient ? numbers.clientScale : numbers.endpointScale
        packet.window = UInt16(min(meant.window >> (isSyn ? 0 : Int(scale)), 0xffff))
        packet.options = options(meant, isClient, numbers, other)
        packet.payload = (0..<meant.count).map { Self.byte(end, meant.offset + $0) }
        return packet
    }

    private func options(
        _ meant: Meant, _ isClient: Bool, _ numbers: Numbers, _ other: UInt32
    ) -> [TCPOption] {
        var options: [TCPOption] = []
        if meant.flags.contains(.syn) {
            options += [
                .maximumSegment(1460), .sackPermitted, .nop,
                .windowScale(isClient ? numbers.clientScale : numbers.endpointScale),
            ]
        }
        if hasTimestamps {
            let times = (numbers.clientTime, numbers.endpointTime)
            let (own, peer) = isClient ? times : (times.1, times.0)
            let echo = meant.flags.contains(.ack) ? peer &+ meant.echo : 0
            options += [.nop, .nop, .timestamps(own &+ meant.time, echo)]
        }
        if !meant.sacks.isEmpty {
            let blocks = meant.sacks.map {
                SACKBlock(
                    other &+ 1 &+ UInt32(truncatingIfNeeded: $0.lowerBound),
                    other &+ 1 &+ UInt32(truncatingIfNeeded: $0.upperBound))
            }
            options += [.nop, .nop, .sack(blocks)]
        }
        return options
    }

    private func link(_ wire: Wire) -> Capture.Link {
        wire == .front ? frontCapture.link : backCapture.link
    }

    /// Captures bytes on a wire.
    mutating func capture(_ bytes: [UInt8], on wire: Wire) {
        now += 20_000
        var bytes = bytes
        if isPartial { leaveChecksumToDevice(&bytes, on: wire) }
        if wire == .front {
            let number = frontCapture.frames.count + 1
            frontCapture.frames.append(CapturedFrame(number: number, time: now, bytes: bytes))
        } else {
            let number = backCapture.frames.count + 1
            backCapture.frames.append(CapturedFrame(number: number, time: now, bytes: bytes))
        }
    }

    /// What a stack does whose device sums up: the sum of the pseudo-header, not complemented.
    private func leaveChecksumToDevice(_ bytes: inout [UInt8], on wire: Wire) {
        let at = link(wire) == .ethernet ? 14 : 0
        let isIPv6 = bytes[at] >> 4 == 6
        let start = at + (isIPv6 ? 40 : 20)
        guard bytes[at + (isIPv6 ? 6 : 9)] == 6 else { return }
        let tuple = numbers(wire).tuple
        var sum = InternetChecksum()
        sum.add(tuple.source.address)
        sum.add(tuple.destination.address)
        sum.add(UInt32(bytes.count - start))
        sum.add(UInt16(6))
        bytes[start + 16] = UInt8(sum.folded >> 8)
        bytes[start + 17] = UInt8(sum.folded & 0xff)
    }

    mutating func wait(_ nanoseconds: UInt64) { now += nanoseconds }
}
