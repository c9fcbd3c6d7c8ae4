// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelSockets
import Relaying
import Synchronization
import Testing
import TLSClassifier
import WireTypes

@Suite(.serialized) struct `Client of a listening socket` {
    @Test func `may send its hello byte by byte, and the endpoint gets it unchanged`() throws {
        let endpoint = try LocalEndpoint()
        let asked = AskedCount()
        let address = endpoint.address
        let fixture = try RelayFixture(
            ScriptedPolicy { _ in
                asked.increase() < 20 ? .needMore : .relay(plan([address]))
            })
        let client = try Peer.connected(to: fixture.address)
        let hello = helloStart + [9, 8, 7, 6, 5, 4, 3, 2]
        for byte in hello {
            let before = asked.value
            try client.send([byte])
            #expect(eventually { asked.value > before })
        }
        let server = try endpoint.accept()
        #expect(try server.receiveBytes(20) == hello)
    }

    @Test func `that stays silent is asked about when its time is over`() throws {
        var manner = RelayManner()
        manner.helloTimeout = .milliseconds(100)
        let endpoint = try LocalEndpoint()
        let address = endpoint.address
        let fixture = try RelayFixture(
            ScriptedPolicy(manner) { $0 == .timedOut ? .relay(plan([address])) : .needMore })
        let client = try Peer.connected(to: fixture.address)
        let server = try endpoint.accept()
        try server.send("220 hello")
        #expect(try client.receive(9) == "220 hello")
    }

    @Test func `that stays silent is closed when the policy has no answer`() throws {
        var manner = RelayManner()
        manner.helloTimeout = .milliseconds(100)
        let fixture = try RelayFixture(ScriptedPolicy(manner) { _ in .needMore })
        let client = try Peer.connected(to: fixture.address)
        try client.send("\u{16}")
        let started = ContinuousClock.now
        #expect(client.receiveAll().end == .fin)
        #expect(ContinuousClock.now - started >= .milliseconds(50))
    }

    @Test func `whose hello never ends is told of as too large`() throws {
        var manner = RelayManner()
        manner.helloSize = 1000
        let fixture = try RelayFixture(
            ScriptedPolicy(manner) {
                $0 == .classified(.notClassifiable(.tooLarge)) ? .reject(.reset) : .needMore
            })
        let client = try Peer.connected(to: fixture.address)
        var hello = [UInt8](repeating: 0, count: 5000)
        hello.replaceSubrange(0..<9, with: [22, 3, 1, 0x13, 0x83, 1, 0, 0x13, 0x7f])
        try client.send(hello)
        #expect(client.receiveAll().end == .failed(ECONNRESET))
    }

    @Test func `past the cap takes the place of the oldest`() throws {
        var limits = RelayLimits()
        limits.halfClassified = 3
        let fixture = try RelayFixture(ScriptedPolicy { _ in .needMore }, limits: limits)
        var clients: [Peer] = []
        for _ in 0..<5 { clients.append(try Peer.connected(to: fixture.address)) }
        #expect(clients[0].receiveAll().end == .failed(ECONNRESET))
        #expect(clients[1].receiveAll().end == .failed(ECONNRESET))
        for client in clients[2...] {
            #expect(client.receiveAll(.milliseconds(50)).end == .open)
        }
    }
}

/// How often a policy was asked.
final class AskedCount: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func increase() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }
}
