// SPDX-License-Identifier: Apache-2.0
import DatapathTesting
import Testing
import WireChecking
import WireTypes

/// A fault in one packet that leaves, and what it must be called.
struct Fault: Sendable, CustomTestStringConvertible {
    var name: String
    var kinds: Set<Violation.Kind>
    var from = End.endpoint
    var meant = Meant(
        offset: 4000, count: 600, flags: [.ack, .psh], acknowledged: 817, time: 90, echo: 60)
    var change: Change

    var testDescription: String { name }

    static let ofFields = [
        Fault(name: "more bytes than came", kinds: [.unseenBytes]) { $0.payload += [1, 2, 3] },
        Fault(name: "bytes at another number", kinds: [.alteredBytes, .unsolicited]) {
            $0.sequence &-= 1000
        },
        Fault(name: "a byte is another", kinds: [.alteredBytes]) { $0.payload[599] ^= 1 },
        Fault(name: "no PSH", kinds: [.flags]) { $0.flags.remove(.psh) },
        Fault(name: "a FIN", kinds: [.unseenBytes]) { $0.flags.insert(.fin) },
        Fault(name: "less acknowledged", kinds: [.acknowledgement]) { $0.acknowledgement &-= 100 },
        Fault(name: "acknowledged early", kinds: [.acknowledgement, .acknowledgedEarly]) {
            $0.acknowledgement &+= 1
        },
        Fault(name: "another window", kinds: [.window]) { $0.window += 1 },
        Fault(name: "a window not rescaled", kinds: [.window]) { $0.window >>= 2 },
        Fault(name: "no timestamps", kinds: [.timestampPresence]) { $0.options = [] },
        Fault(name: "a later TSval", kinds: [.timestampOffset]) { $0.shiftTimestamps(by: 1, 0) },
        Fault(name: "an earlier TSval", kinds: [.timestampOffset, .timestampBack]) {
            $0.shiftTimestamps(by: 0 &- 50, 0)
        },
        Fault(name: "a TSecr nobody sent", kinds: [.timestampEchoOffset, .timestampEcho]) {
            $0.shiftTimestamps(by: 0, 0x7000_0000)
        },
        Fault(name: "another TSecr that was sent", kinds: [.timestampEchoOffset]) {
            $0.shiftTimestamps(by: 0, 0 &- 10)
        },
    ]
}

extension TestPacket {
    mutating func shiftTimestamps(by value: UInt32, _ echo: UInt32) {
        options = options.map { option in
            guard case .timestamps(let oldValue, let oldEcho) = option else { return option }
            return .timestamps(oldValue &+ value, oldEcho &+ echo)
        }
    }

    mutating func replaceSACK(_ change: ([SACKBlock]) -> [SACKBlock]) {
        options = options.map { option in
            guard case .sack(let blocks) = option else { return option }
            return .sack(change(blocks))
        }
    }
}

@Suite struct `A fault is found` {
    private func talked(isIPv6: Bool = false) throws -> SyntheticFlow {
        var flow = try SyntheticFlow(isIPv6: isIPv6)
        flow.handshake()
        flow.talk()
        return flow
    }

    @Test(arguments: Fault.ofFields, [false, true])
    func `in a packet that leaves, with its number and time`(fault: Fault, isIPv6: Bool) throws {
        var flow = try talked(isIPv6: isIPv6)
        flow.pass(fault.meant, from: fault.from, change: fault.change)
        let check = flow.check
        #expect(Set(check.counts.keys) == fault.kinds, "\(check)")
        let frame = try #require(flow.frontCapture.frames.last)
        for violation in check.violations {
            #expect(violation.wire == .front && violation.packet == frame.number, "\(check)")
            #expect(violation.time == frame.time && violation.expected != violation.found)
        }
    }

    @Test func `a packet leaves twice`() throws {
        var flow = try talked()
        let data = Meant(
            offset: 817, count: 100, acknowledged: 4000, time: 90, echo: 70)
        flow.pass(data, from: .client)
        flow.leave(data, from: .client)
        expect(.unsolicited, in: flow.check)
    }

    @Test func `an empty packet leaves that nobody sent`() throws {
        var flow = try talked()
        flow.leave(Meant(offset: 817, acknowledged: 4000, time: 60, echo: 42), from: .client)
        expect(.unsolicited, in: flow.check)
    }

    @Test func `the hello leaves again, and the endpoint did not ask`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.leave(Meant(count: 517, flags: [.ack, .psh], time: 10), from: .client)
        expect(.unsolicited, in: flow.check)
    }

    /// The ACK of a balancer that has buffers, and of one that has none, differ in time alone.
    @Test func `an acknowledgement leaves a moment before it came`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        let acknowledgement = Meant(acknowledged: 517, time: 20, echo: 10)
        flow.leave(acknowledgement, from: .endpoint)
        flow.arrive(acknowledgement, from: .endpoint)
        expect(.acknowledgedEarly, .unsolicited, in: flow.check)
    }

    @Test func `an end acknowledges what it was never sent`() throws {
        var flow = try talked()
        flow.pass(Meant(offset: 817, acknowledged: 4700, time: 90, echo: 70), from: .client)
        expect(.acknowledgedUnsent, in: flow.check)
    }

    @Test(arguments: [false, true]) func `SACK edges are not translated`(isIPv6: Bool) throws {
        var flow = try SyntheticFlow(isIPv6: isIPv6)
        flow.handshake()
        let difference = flow.front.endpointISN &- flow.back.endpointISN
        flow.lose { packet in
            packet.replaceSACK { blocks in
                blocks.map { SACKBlock($0.left &+ difference, $0.right &+ difference) }
            }
        }
        expect(.sackOfUnsent, .sackEdges, in: flow.check)
    }

    @Test func `SACK edges are others that were sent`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.lose { packet in
            packet.replaceSACK { $0.map { SACKBlock($0.left &- 1, $0.right &- 1) } }
        }
        expect(.sackEdges, in: flow.check)
    }

    @Test func `SACK is lost on the way`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.lose { packet in
            packet.options = packet.options.filter {
                if case .sack = $0 { false } else { true }
            }
        }
        expect(.sackEdges, in: flow.check)
    }

    @Test func `an end speaks of SACK for what it was never sent`() throws {
        var flow = try talked()
        flow.pass(
            Meant(
                offset: 817, acknowledged: 4000, sacks: [4500..<5000], time: 90, echo: 70),
            from: .client)
        expect(.sackOfUnsent, in: flow.check)
    }

    @Test(arguments: [false, true]) func `a checksum is wrong`(isIPv6: Bool) throws {
        var flow = try talked(isIPv6: isIPv6)
        let data = Meant(offset: 817, count: 99, acknowledged: 4000, time: 90, echo: 70)
        flow.arrive(data, from: .client)
        let packet = flow.packet(data, from: .client, on: .back)
        var bytes = packet.bytes
        bytes[packet.tcpOffset + 17] ^= 1
        flow.capture(bytes, on: .back)
        expect(.tcpChecksum, in: flow.check)
    }

    @Test func `the checksum of the IP header is wrong`() throws {
        var flow = try talked()
        let data = Meant(offset: 817, count: 99, acknowledged: 4000, time: 90, echo: 70)
        flow.arrive(data, from: .client)
        var bytes = flow.packet(data, from: .client, on: .back).bytes
        bytes[24] ^= 1
        flow.capture(bytes, on: .back)
        expect(.headerChecksum, in: flow.check)
    }

    @Test func `what came corrupt leaves with a right checksum`() throws {
        var flow = try talked()
        let data = Meant(offset: 817, count: 99, acknowledged: 4000, time: 90, echo: 70)
        var bytes = flow.packet(data, from: .client, on: .front).bytes
        bytes[bytes.count - 1] ^= 1
        flow.capture(bytes, on: .front)
        flow.leave(data, from: .client) { $0.payload[98] ^= 1 }
        expect(.corruptionHidden, in: flow.check)
    }

    @Test func `a packet was captured in part`() throws {
        var flow = try talked()
        let last = flow.frontCapture.frames.popLast()
        let frame = try #require(last)
        flow.frontCapture.frames.append(
            CapturedFrame(
                number: frame.number, time: frame.time, bytes: [UInt8](frame.bytes.prefix(60)),
                wireLength: frame.bytes.count))
        let check = flow.check
        #expect(check.counts[.malformed] == 1, "\(check)")
    }

    @Test(arguments: End.allCases)
    func `the balancer speaks to a port that never spoke`(end: End) throws {
        var flow = try talked()
        let data = Meant(
            offset: end == .client ? 817 : 4000, count: 40,
            acknowledged: end == .client ? 4000 : 817, time: 90, echo: end == .client ? 70 : 60)
        flow.pass(data, from: end) { packet in
            let to = packet.tuple.destination
            packet.tuple = FlowTuple(
                source: packet.tuple.source,
                destination: TransportAddress(to.address, to.port + 7))
        }
        expect(.unsolicited, in: flow.check)
    }
}
