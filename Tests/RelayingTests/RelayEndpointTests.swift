// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelSockets
import Relaying
import Synchronization
import Testing
import WireTypes

@Suite(.serialized) struct `Choice of an endpoint` {
    @Test func `an endpoint that refuses is followed by the next, with the same hello`() throws {
        let endpoint = try LocalEndpoint()
        let closed = try LocalEndpoint.closedPort()
        let fixture = try RelayFixture(.relaying(to: [closed, endpoint.address]))
        let client = try Peer.connected(to: fixture.address)
        try client.send("hello")
        let server = try endpoint.accept()
        #expect(try server.receive(5) == "hello")
        #expect(fixture.observer.record.refused.map(\.code) == [ECONNREFUSED])
        #expect(eventually { fixture.observer.record.updated.last?.endpoint == 1 })
    }

    @Test func `an endpoint that does not answer is followed by the next in time`() throws {
        let endpoint = try LocalEndpoint()
        // A listening socket with a full queue answers no SYN.
        let full = try ListeningSocket(on: TransportAddress(localhost, 0), backlog: 0)
        let filler = try (0..<4).map { _ in Peer(try TCPSocket.connecting(to: full.address)) }
        usleep(50_000)
        let fixture = try RelayFixture(
            .relaying(
                to: [full.address, endpoint.address], connectTimeout: .milliseconds(200)))
        let client = try Peer.connected(to: fixture.address)
        try client.send("hello")
        let server = try endpoint.accept()
        #expect(try server.receive(5) == "hello")
        #expect(fixture.observer.record.refused.map(\.code) == [ETIMEDOUT])
        #expect(filler.count == 4)
    }

    /// Else one client would take descriptor after descriptor, until there are none left.
    @Test(arguments: [localhost, .anyIPv4])
    func `an endpoint that is the relay itself is passed over`(address: IPAddress) throws {
        let endpoint = try LocalEndpoint()
        let candidates = Candidates()
        let fixture = try RelayFixture(ScriptedPolicy { _ in .relay(plan(candidates.all)) })
        let own = try fixture.relay.listen(on: TransportAddress(address, 0), listener: 7)
        candidates.all = [TransportAddress(localhost, own.port), endpoint.address]
        let client = try Peer.connected(to: fixture.address)
        try client.send("hello")
        let server = try endpoint.accept()
        #expect(try server.receive(5) == "hello")
        #expect(fixture.observer.record.refused.map(\.code) == [ELOOP])
    }

    /// Known only once the relay listens.
    private final class Candidates: Sendable {
        private let list = Mutex<[TransportAddress]>([])
        var all: [TransportAddress] {
            get { list.withLock { $0 } }
            set { list.withLock { $0 = newValue } }
        }
    }

    @Test func `a client is reset when all endpoints refuse`() throws {
        let closed = try [LocalEndpoint.closedPort(), LocalEndpoint.closedPort()]
        let fixture = try RelayFixture(.relaying(to: closed))
        let client = try Peer.connected(to: fixture.address)
        try client.send("hello")
        #expect(client.receiveAll().end == .failed(ECONNRESET))
        #expect(fixture.observer.record.refused.count == 2)
        #expect(eventually { fixture.observer.record.closed.count == 1 })
    }
}

@Suite(.serialized) struct `Rejected client` {
    private func fixture(_ action: RejectAction) throws -> RelayFixture {
        try RelayFixture(ScriptedPolicy { _ in .reject(action) })
    }

    @Test func `gets the alert and a clean end, whatever it goes on to send`() throws {
        let fixture = try fixture(.alert)
        let client = try Peer.connected(to: fixture.address)
        try client.send([UInt8](repeating: 22, count: 60000))
        usleep(20_000)
        try client.send("more")
        let (bytes, end) = client.receiveAll()
        #expect(bytes == [21, 3, 1, 0, 2, 2, 112])
        #expect(end == .fin)
        try client.sendEnd()
        usleep(20_000)
        #expect(client.socket.takeError() == nil)
    }

    @Test func `gets a clean end without alert`() throws {
        let fixture = try fixture(.close)
        let client = try Peer.connected(to: fixture.address)
        try client.send("hello")
        let (bytes, end) = client.receiveAll()
        #expect(bytes.isEmpty && end == .fin)
    }

    @Test func `gets a reset`() throws {
        let fixture = try fixture(.reset)
        let client = try Peer.connected(to: fixture.address)
        try client.send("hello")
        #expect(client.receiveAll().end == .failed(ECONNRESET))
    }
}

@Suite(.serialized) struct `Relay lifecycle` {
    @Test func `an idle connection is reset at both ends`() throws {
        var limits = RelayLimits()
        limits.idleTimeout = .milliseconds(300)
        let endpoint = try LocalEndpoint()
        let fixture = try RelayFixture(.relaying(to: [endpoint.address]), limits: limits)
        let client = try Peer.connected(to: fixture.address)
        try client.send("!")
        let server = try endpoint.accept()
        #expect(try server.receive(1) == "!")
        for _ in 0..<5 {
            usleep(100_000)
            try server.send("x")
            #expect(try client.receive(1) == "x")
        }
        #expect(client.receiveAll().end == .failed(ECONNRESET))
        #expect(server.receiveAll().end == .failed(ECONNRESET))
    }

    @Test func `stop resets what is open and ends the listening sockets`() throws {
        let endpoint = try LocalEndpoint()
        let fixture = try RelayFixture(.relaying(to: [endpoint.address]))
        let client = try Peer.connected(to: fixture.address)
        try client.send("!")
        _ = try endpoint.accept()
        fixture.relay.stop()
        #expect(client.receiveAll().end == .failed(ECONNRESET))
        #expect(fixture.observer.record.closed.count == 1)
        let late = try? TCPSocket.connecting(to: fixture.address)
        if let late {
            #expect(eventually { late.takeError()?.code == ECONNREFUSED })
        }
        fixture.relay.stop()
    }

    @Test func `an address that is taken is named`() throws {
        let endpoint = try LocalEndpoint()
        let fixture = try RelayFixture(.relaying(to: []))
        let error = #expect(throws: SocketError.self) {
            try fixture.relay.listen(on: endpoint.address, listener: 1)
        }
        #expect(
            error?.description
                == "cannot bind \(endpoint.address): Address already in use (errno 98)")
    }
}
