// SPDX-License-Identifier: Apache-2.0

import Datapath
import Glibc
import KernelSockets
import Relaying
import Testing
import WireTypes

@Suite(.serialized) struct `Relayed connection` {
    let endpoint: LocalEndpoint
    let fixture: RelayFixture

    init() throws {
        endpoint = try LocalEndpoint()
        fixture = try RelayFixture(.relaying(to: [endpoint.address]))
    }

    /// A client and its endpoint, with the client's first byte already through.
    private func pair() throws -> (client: Peer, server: Peer) {
        let client = try Peer.connected(to: fixture.address)
        try client.send("!")
        let server = try endpoint.accept()
        #expect(try server.receive(1) == "!")
        return (client, server)
    }

    @Test func `carries bytes both ways`() throws {
        let (client, server) = try pair()
        for round in 0..<20 {
            try client.send("question \(round % 10)")
            #expect(try server.receive(10) == "question \(round % 10)")
            try server.send("answer \(round % 10)")
            #expect(try client.receive(8) == "answer \(round % 10)")
        }
    }

    @Test func `lets the endpoint answer after the client has sent its end`() throws {
        let (client, server) = try pair()
        try client.send("last question")
        try client.sendEnd()
        #expect(server.receiveAll().end == .fin)
        try server.send("answer")
        #expect(try client.receive(6) == "answer")
        try server.sendEnd()
        #expect(client.receiveAll().end == .fin)
        #expect(eventually { fixture.observer.record.closed.count == 1 })
    }

    @Test func `lets the client go on after the endpoint has sent its end`() throws {
        let (client, server) = try pair()
        try server.send("greeting")
        try server.sendEnd()
        #expect(client.receiveAll().end == .fin)
        try client.send("late words")
        try client.sendEnd()
        let (bytes, end) = server.receiveAll()
        #expect(String(decoding: bytes, as: UTF8.self) == "late words")
        #expect(end == .fin)
        #expect(eventually { fixture.observer.record.closed.count == 1 })
    }

    @Test func `delivers the answer of an endpoint that then resets, and the reset`() throws {
        let (client, server) = try pair()
        let answer = [UInt8](repeating: 42, count: 100_000)
        try server.send(answer)
        #expect(eventually { server.socket.unacknowledged == 0 })
        server.socket.reset()
        let (bytes, end) = client.receiveAll()
        #expect(bytes == answer)
        #expect(end == .failed(ECONNRESET))
    }

    @Test func `hands a reset of the client on to the endpoint`() throws {
        let (client, server) = try pair()
        client.socket.reset()
        #expect(server.receiveAll().end == .failed(ECONNRESET))
        #expect(eventually { fixture.observer.record.closed.count == 1 })
    }

    @Test func `is reported with its tuples and counters`() throws {
        let (client, server) = try pair()
        try client.send("0123456789")
        #expect(try server.receive(10) == "0123456789")
        try server.send("abc")
        #expect(try client.receive(3) == "abc")
        try client.sendEnd()
        try server.sendEnd()
        #expect(eventually { fixture.observer.record.closed.count == 1 })
        let record = fixture.observer.record
        let last = try #require(record.closed.first?.connection)
        let local = try #require(record.opened.first?.tuple.source)
        #expect(last.tuple == FlowTuple(source: local, destination: fixture.address))
        #expect(last.upstream?.destination == endpoint.address)
        #expect(last.upstreamBytes == 11)
        #expect(last.downstreamBytes == 3)
        #expect(last.listener == 7 && last.cluster == 3 && last.endpoint == 0)
        #expect(last.reason == .localClient)
    }

    @Test func `counters are updated about once a second`() throws {
        let (client, server) = try pair()
        let end = ContinuousClock.now + .milliseconds(2300)
        var sent = 0
        while ContinuousClock.now < end {
            try client.send("x")
            _ = try server.receive(1)
            sent += 1
            usleep(2000)
        }
        // One of them tells that the endpoint accepted.
        #expect((2...4).contains(fixture.observer.record.updated.count))
        #expect(sent > 100)
    }

    @Test func `urgent bytes stay in the stream`() throws {
        let (client, server) = try pair()
        try client.send("ab")
        try client.sendUrgent(UInt8(ascii: "!"))
        try client.send("cd")
        #expect(try server.receive(5) == "ab!cd")
    }
}
