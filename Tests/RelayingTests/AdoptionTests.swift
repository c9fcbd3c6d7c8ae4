// SPDX-License-Identifier: Apache-2.0

import Glibc
@testable import KernelSockets
import Logging
import Relaying
import Testing
import WireTypes

/// What of TCP's options both ends of a repaired connection use.
struct AdoptionCase: Sendable, CustomTestStringConvertible {
    var isIPv6: Bool
    var hasTimestamps: Bool
    var hasScale: Bool

    static let all = [false, true].flatMap { isIPv6 in
        [false, true].flatMap { hasTimestamps in
            [false, true].map {
                AdoptionCase(isIPv6: isIPv6, hasTimestamps: hasTimestamps, hasScale: $0)
            }
        }
    }

    var testDescription: String {
        "\(isIPv6 ? "IPv6" : "IPv4"), timestamps \(hasTimestamps), scale \(hasScale)"
    }
}

/// A connection that nobody shook hands for: the client's half is a repaired socket as well, with
/// its hello in the retransmission queue.
struct ForgedConnection {
    var adopted: AdoptedConnection
    let client: Peer
    /// A listening socket stands on the same address and port, as beside the datapath.
    let listening: LocalEndpoint

    static let hello = Array("client hello".utf8)

    init(_ options: AdoptionCase, hello: [UInt8] = ForgedConnection.hello) throws {
        let address = options.isIPv6 ? IPAddress(high: 0, low: 1) : localhost
        listening = try LocalEndpoint(on: address)
        let clientAddress = try LocalEndpoint(on: address).address
        // Numbers close to the wrap of 2³².
        var far = AdoptedConnection(
            tuple: FlowTuple(source: clientAddress, destination: listening.address),
            clientNext: 0xffff_fff8, ourNext: 0x8000_0000)
        far.received = hello
        far.mss = 1400
        far.hasSACK = true
        if options.hasScale { (far.clientScale, far.ourScale) = (7, 9) }
        if options.hasTimestamps {
            far.timestamps = AdoptedConnection.Timestamps(peerValue: 1001, ourValue: 2001)
        }
        adopted = far
        client = Peer(try Self.clientSocket(of: far))
    }

    private static func clientSocket(of adopted: AdoptedConnection) throws -> TCPSocket {
        var near = AdoptedConnection(
            tuple: adopted.tuple.reversed, clientNext: adopted.ourNext,
            ourNext: adopted.clientNext)
        near.mss = 1400
        near.hasSACK = true
        (near.clientScale, near.ourScale) = (adopted.ourScale, adopted.clientScale)
        near.timestamps = adopted.timestamps.map {
            AdoptedConnection.Timestamps(peerValue: $0.ourValue, ourValue: $0.peerValue)
        }
        let repaired = try RepairedSocket(near)
        try repaired.socket.fill(adopted.received, queue: TCP_SEND_QUEUE)
        return try repaired.activate()
    }
}

@Suite(.serialized, .enabled(if: geteuid() == 0, "TCP_REPAIR needs CAP_NET_ADMIN"))
struct `Adopted connection` {
    let observer = RecordingObserver()

    private func makeRelay(_ policy: ScriptedPolicy = .relaying(to: [])) throws -> Relay {
        try Relay(policy: policy, observer: observer, logger: Logger(label: "test"))
    }

    @Test(arguments: AdoptionCase.all)
    func `is acknowledged at once and relayed to its end`(options: AdoptionCase) throws {
        let forged = try ForgedConnection(options)
        let endpoint = try LocalEndpoint()
        let relay = try makeRelay()
        defer { relay.stop() }
        #expect(forged.client.socket.unacknowledged == ForgedConnection.hello.count)
        relay.adopt(forged.adopted, plan: plan([endpoint.address]))

        // Sooner than any retransmission, which is 200 ms at the earliest.
        #expect(
            eventually(within: .milliseconds(100)) { forged.client.socket.unacknowledged == 0 })
        let server = try endpoint.accept()
        #expect(try server.receive(12) == "client hello")
        try server.send("server hello")
        #expect(try forged.client.receive(12) == "server hello")
        try forged.client.send("more")
        #expect(try server.receive(4) == "more")
        try exchangeBulk(forged.client, server)

        try forged.client.sendEnd()
        #expect(server.receiveAll().end == .fin)
        try server.sendEnd()
        #expect(forged.client.receiveAll().end == .fin)
        #expect(observer.record.activated == [forged.adopted.tuple])
        #expect(eventually { observer.record.closed.map(\.tuple) == [forged.adopted.tuple] })
        #expect(observer.record.notAdopted.isEmpty)
        #expect(try !forged.listening.hasConnection())
    }

    private func exchangeBulk(_ client: Peer, _ server: Peer) throws {
        let bulk = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var sent = 0
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        let limit = ContinuousClock.now + .seconds(5)
        while received.count < bulk.count, ContinuousClock.now < limit {
            if sent < bulk.count,
                case .moved(let count) = try server.socket.write(
                    bulk.span.extracting(droppingFirst: sent))
            {
                sent += count
            }
            if case .moved(let count) = try client.socket.read(into: &buffer) {
                received += buffer[..<count]
            } else {
                usleep(100)
            }
        }
        #expect(received == bulk)
    }

    @Test func `is left alone when its packets would not come to us`() throws {
        let forged = try ForgedConnection(AdoptionCase.all[0])
        let full = RecordingObserver(isFull: true)
        let relay = try Relay(
            policy: ScriptedPolicy.relaying(to: []), observer: full, logger: Logger(label: "test"))
        defer { relay.stop() }
        relay.adoptAndReject(forged.adopted, .alert)
        #expect(eventually { full.record.notAdopted.count == 1 })
        #expect(full.record.notAdopted.first is RecordingObserver.Full)
        // Nothing was acknowledged, and nothing is heard of a socket.
        #expect(forged.client.socket.unacknowledged == ForgedConnection.hello.count)
        #expect(full.record.closed.isEmpty)
    }

    @Test func `gets the alert and FIN when it is rejected`() throws {
        let forged = try ForgedConnection(AdoptionCase.all[0])
        let relay = try makeRelay()
        defer { relay.stop() }
        relay.adoptAndReject(forged.adopted, .alert)
        let (bytes, end) = forged.client.receiveAll()
        #expect(bytes == [21, 3, 1, 0, 2, 2, 112])
        #expect(end == .fin)
        try forged.client.sendEnd()
        #expect(eventually { observer.record.closed.count == 1 })
    }

    @Test func `gets a reset when it is rejected so`() throws {
        let forged = try ForgedConnection(AdoptionCase.all[0])
        let relay = try makeRelay()
        defer { relay.stop() }
        relay.adoptAndReject(forged.adopted, .reset)
        #expect(forged.client.receiveAll().end == .failed(ECONNRESET))
    }

    @Test func `with half a hello is classified like any client`() throws {
        let forged = try ForgedConnection(AdoptionCase.all[3], hello: helloStart)
        let endpoint = try LocalEndpoint()
        let asked = AskedCount()
        let address = endpoint.address
        let relay = try makeRelay(
            ScriptedPolicy { _ in
                asked.increase() < 2 ? .needMore : .relay(plan([address]))
            })
        defer { relay.stop() }
        relay.adopt(forged.adopted, listener: 7)
        #expect(
            eventually(within: .milliseconds(100)) { forged.client.socket.unacknowledged == 0 })
        #expect(asked.value == 1)
        try forged.client.send(", rest")
        let server = try endpoint.accept()
        #expect(try server.receiveBytes(18) == helloStart + Array(", rest".utf8))
    }

    @Test func `with a hello of 20 KiB reaches the endpoint whole`() throws {
        let hello = (0..<20000).map { UInt8(truncatingIfNeeded: $0) }
        let forged = try ForgedConnection(AdoptionCase.all[3], hello: hello)
        let endpoint = try LocalEndpoint()
        let relay = try makeRelay()
        defer { relay.stop() }
        relay.adopt(forged.adopted, plan: plan([endpoint.address]))
        #expect(
            eventually(within: .milliseconds(100)) { forged.client.socket.unacknowledged == 0 })
        let server = try endpoint.accept()
        #expect(try server.receiveBytes(20000) == hello)
    }

    @Test func `whose tuple has a socket already is reported, not served`() throws {
        let forged = try ForgedConnection(AdoptionCase.all[0])
        let other = try RepairedSocket(forged.adopted)
        let relay = try makeRelay()
        defer { relay.stop() }
        relay.adopt(forged.adopted, plan: plan([]))
        #expect(
            eventually {
                observer.record.notAdopted.map { ($0 as? SocketError)?.code } == [EADDRNOTAVAIL]
            })
        #expect(observer.record.activated.isEmpty && observer.record.closed.isEmpty)
        _ = other.socket.localAddress
    }
}
