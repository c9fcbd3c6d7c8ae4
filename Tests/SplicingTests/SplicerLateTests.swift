// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

/// Bytes that a client sends before its flow stands.
@Suite struct `Splicer with what follows the hello` {
    private let hello = SampleHello.bytes(for: "a.test")
    private let more: [UInt8] = (0..<200).map { UInt8($0) }

    private func data(_ scene: Scene) -> [Segment] {
        scene.table.sent.filter { !$0.payload.isEmpty }
    }

    @Test func `puts what came in the same round into the template`() throws {
        let scene = Scene()
        scene.say(hello, flushes: false)
        scene.say(more, at: hello.count, flushes: false)
        scene.flush()
        #expect(scene.table.stored == [hello + more])
        #expect(scene.table.written.count == 1 && scene.table.syns.count == 1)
        #expect(!scene.hasLate)
    }

    @Test func `sends what came later as soon as the flow stands, once`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        scene.say(more, at: hello.count, note: nil)
        scene.say(more, at: hello.count, note: nil)
        #expect(scene.hasLate && data(scene).isEmpty)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        let segment = try #require(data(scene).first)
        #expect(data(scene).count == 1)
        #expect(segment.tuple == splice.upstream)
        #expect(segment.payload == more)
        #expect(segment.sequence == splice.isn &+ 1 &+ UInt32(hello.count))
        #expect(segment.flags == [.acknowledge, .push])
        #expect(segment.timestamp == splice.synTimestamp)
        // Seven milliseconds after our SYN-ACK, as the client heard it; the endpoint's clock is at 0.
        #expect(segment.timestampEcho == 7)
        #expect(!scene.hasLate && scene.pending == 0)
    }

    @Test func `sends on what it reads when the flow stands already`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        // Noted before there was a flow, or while it was connecting.
        scene.say(more, at: hello.count)
        scene.say(more, at: hello.count + more.count, note: nil)
        #expect(data(scene).map(\.payload) == [more, more])
        #expect(scene.pending == 0 && scene.table.written.count == 1)
    }

    @Test func `sends nothing that the endpoint has acknowledged, nor the hello again`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        var answers = splice.downstreamEntry
        answers.state = UInt8(FLOW_ESTABLISHED.rawValue)
        answers.last_ack = splice.isn &+ 1 &+ UInt32(hello.count + more.count)
        scene.table.set(splice, FLOW_ESTABLISHED)
        let key = splice.upstream.reversed
        scene.table.rows[key] = SpliceRow(key.abi, answers)
        scene.tell(.established, of: splice)
        scene.say(hello, note: nil)
        scene.say(more, at: hello.count, note: nil)
        #expect(data(scene).isEmpty)
        scene.say(more, at: hello.count + more.count, note: nil)
        #expect(data(scene).map(\.payload) == [more])
    }

    @Test func `sends nothing on for another connection of the same port`() throws {
        let scene = Scene()
        let splice = try scene.establish()
        scene.table.rows[splice.client] = SpliceRow(
            splice.client.abi,
            {
                var entry = splice.upstreamEntry; entry.created_ns += 1
                entry.state = UInt8(FLOW_ESTABLISHED.rawValue); return entry
            }())
        let record = HelloRecord(
            tuple: splice.client, note: nil, createdNanoseconds: splice.createdNanoseconds,
            sequence: Scene.isn &+ 5000, timestamp: 900, timestampEcho: 5007, window: 502,
            isUrgent: false, isFinal: false, isDamaged: false)
        scene.splicer.receive(record, more.span, now: scene.now)
        scene.flush()
        #expect(data(scene).isEmpty)
    }

    @Test func `cuts what it sends on to what the endpoint takes`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        scene.say(
            [UInt8](repeating: 7, count: 3000), at: hello.count, note: nil)
        scene.table.set(splice, FLOW_ESTABLISHED)
        var entry = splice.upstreamEntry
        entry.state = UInt8(FLOW_ESTABLISHED.rawValue)
        entry.size_limit = 1040
        scene.table.rows[splice.client] = SpliceRow(splice.client.abi, entry)
        scene.tell(.established, of: splice)
        #expect(data(scene).map(\.payload.count) == [988, 988, 988, 36])
        let starts = data(scene).map { Int($0.sequence &- splice.isn) - 1 - hello.count }
        #expect(starts == [0, 988, 1976, 2964])
    }

    /// A splice that stands, whose endpoint acknowledged so much of the PROXY header.
    private func establishOwned(_ scene: Scene, acknowledged: Int) throws -> Splice {
        scene.say(hello)
        let splice = try scene.last()
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        var answers = splice.downstreamEntry
        answers.state = UInt8(FLOW_ESTABLISHED.rawValue)
        answers.last_ack = splice.isn &+ 1 &+ UInt32(acknowledged)
        let key = splice.upstream.reversed
        scene.table.rows[key] = SpliceRow(key.abi, answers)
        return splice
    }

    @Test(arguments: [ProxyProtocol.v1, .v2])
    func `repeats the PROXY header in front of a hello, until the endpoint has it`(
        version: ProxyProtocol
    ) throws {
        let header = version.header(of: Scene.client())
        // By an earlier daemon, another version: what the flow began with is what counts.
        for own in ProxyProtocol.allCases {
            let scene = Scene { _ in
            } routes: {
                $0.clusters[0].proxyProtocol = version
            }
            let splice = try establishOwned(scene, acknowledged: 0)
            #expect(scene.table.stored == [header + hello])
            scene.table.isOverwritten = true
            scene.splicer.routes.clusters[0].proxyProtocol = own
            scene.say(hello, note: nil)
            #expect(data(scene).map(\.payload) == [header, hello])
            let again = data(scene).map { Int($0.sequence &- splice.isn) - 1 }
            #expect(again == [0, header.count])
            // The end of the flight alone, as a tail loss probe has it.
            scene.say(more, at: hello.count, note: nil)
            #expect(data(scene).dropFirst(2).map(\.payload) == [header, more])
            let starts = data(scene).dropFirst(2).map { Int($0.sequence &- splice.isn) - 1 }
            #expect(starts == [0, header.count + hello.count])
        }
        let scene = Scene { _ in
        } routes: {
            $0.clusters[0].proxyProtocol = version
        }
        _ = try establishOwned(scene, acknowledged: header.count)
        scene.say(hello, note: nil)
        #expect(data(scene).isEmpty)
    }

    @Test func `forgets what it kept when the client gives up`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        scene.say(more, at: hello.count, note: nil)
        scene.tell(.abandoned, of: splice)
        #expect(!scene.hasLate && scene.pending == 0)
    }
}
