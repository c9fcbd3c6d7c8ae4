// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// A client of a listener, by the packets that it sends and gets.
struct HandshakeClient {
    let family: Family
    var sequence: UInt32 = 0xffff_ffff
    var hasTimestamps = true
    var hasSACK = true
    var scale: UInt8? = 9
    var mss: UInt16? = 1460
    var timestamp: UInt32 = 0x00c0_ffee

    init(_ family: Family) { self.family = family }

    /// Every combination of options that a SYN may offer.
    static let offers: [HandshakeClient] = Family.allCases.flatMap { family in
        (0..<16).map { bits in
            var client = HandshakeClient(family)
            client.hasTimestamps = bits & 1 != 0
            client.hasSACK = bits & 2 != 0
            client.scale = bits & 4 != 0 ? 9 : nil
            client.mss = bits & 8 != 0 ? 1360 : nil
            return client
        }
    }

    /// The SYN with the options as Linux orders them.
    var syn: TestPacket {
        var packet = TestPacket(family.client)
        packet.flags = [.syn]
        packet.sequence = sequence
        if let mss { packet.options.append(.maximumSegment(mss)) }
        if hasSACK { packet.options.append(.sackPermitted) }
        if hasTimestamps { packet.options.append(.timestamps(timestamp, 0)) }
        if let scale { packet.options += [.nop, .windowScale(scale)] }
        return packet
    }

    /// What must answer the SYN, cookie and TSval as given.
    func synAck(_ cookie: UInt32, _ ourTimestamp: UInt32) -> TestPacket {
        var packet = TestPacket(family.client.reversed)
        packet.flags = [.syn, .ack]
        packet.sequence = cookie
        packet.acknowledgement = sequence &+ 1
        packet.window = 64240
        packet.options = [.maximumSegment(1400)]
        if hasTimestamps {
            packet.options += hasSACK ? [.sackPermitted] : [.nop, .nop]
            packet.options.append(.timestamps(ourTimestamp, timestamp))
        } else if hasSACK {
            packet.options += [.nop, .nop, .sackPermitted]
        }
        if scale != nil { packet.options += [.nop, .windowScale(7)] }
        return packet
    }

    /// A packet behind the handshake.
    func packet(_ flags: TCPFlags, _ note: HandshakeNote, _ data: [UInt8] = []) -> TestPacket {
        var packet = TestPacket(family.client)
        packet.flags = flags
        packet.sequence = sequence &+ 1
        packet.acknowledgement = note.cookie &+ 1
        packet.window = 501
        if hasTimestamps {
            packet.options = [.nop, .nop, .timestamps(timestamp &+ 3, note.timestamp)]
        }
        packet.payload = data
        return packet
    }

    /// Sends the SYN to the handshake program; the note that it made.
    func connect(_ bench: TestBench) throws -> HandshakeNote {
        let result = try bench.run(.handshakeEthernet, on: syn)
        #expect(result.verdict == TCVerdict.redirect)
        return try #require(bench.datapath.note(of: family.client))
    }
}
