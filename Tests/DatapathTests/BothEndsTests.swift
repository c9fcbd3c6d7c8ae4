// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Foundation
import KernelBPF
import Synchronization
import Testing
import WireTypes

/// Packets of a flow's two ends on two processors: a program at work on both rows may meet another
/// one there. What one of them notes must not be lost by what the other does.
@Suite(.needsKernel) struct `Both ends of a flow at once` {
    private let splice = EstablishedSplice(.v4)
    /// How often it is tried; without care about one in a hundred goes wrong.
    private let rounds = 5000

    /// A FIN of one end that does not acknowledge the other's, and what acknowledges that one.
    private struct Ending {
        let fin: TestPacket
        let acknowledgement: TestPacket
    }

    private func ending(of packet: TestPacket, against other: FlowRow) -> Ending {
        var fin = packet
        fin.flags = [.fin, .ack]
        var acknowledgement = packet
        acknowledgement.sequence = fin.sequence &+ 1
        // Both FINs have the same number where they come in.
        acknowledgement.acknowledgement = fin.sequence &+ 1 &+ other.sequenceDelta
        fin.acknowledgement = acknowledgement.acknowledgement &- 1
        return Ending(fin: fin, acknowledgement: acknowledgement)
    }

    private func program(_ bench: TestBench) throws {
        var splice = splice
        // Without a look at the FIB, which takes longer than all else and keeps them apart.
        try splice.upstream.route(by: bench.interface, mtu: 1500, in: bench.datapath)
        try splice.downstream.route(by: bench.interface, mtu: 1500, in: bench.datapath)
        try splice.program(bench)
    }

    @Test func `close it, whatever meets whatever`() throws {
        try TestBench.use { bench in
            let client = ending(of: splice.fromClient(), against: splice.downstream)
            let endpoint = ending(of: splice.fromEndpoint(), against: splice.upstream)
            let far = OtherProcessor { bytes in
                _ = try? bench.run(.flowsEthernet, on: bytes)
            }
            defer { far.end() }
            var open = 0
            for round in 1...rounds {
                try program(bench)
                for (near, other) in [
                    (client.fin, endpoint.fin), (client.acknowledgement, endpoint.acknowledgement),
                ] {
                    let bytes = near.bytes
                    far.begin(with: other.bytes)
                    _ = try bench.run(.flowsEthernet, on: bytes)
                    far.wait()
                }
                let states = try [splice.clientRow(bench).state, splice.endpointRow(bench).state]
                if states != [.closed, .closed] { open += 1 }
                if round % 1000 == 0 { _ = bench.records() }
            }
            #expect(open == 0, "of \(rounds) flows")
        }
    }
}

/// A thread that does one thing at the moment that it is told.
private final class OtherProcessor: Sendable {
    private let asked = Atomic<Int>(0)
    private let done = Atomic<Int>(0)
    private let task = Mutex<[UInt8]>([])
    private static let ended = -1

    init(_ work: @escaping @Sendable ([UInt8]) -> Void) {
        let thread = Thread { [self] in
            var round = 1
            while true {
                let now = asked.load(ordering: .acquiring)
                if now == Self.ended { return done.store(Self.ended, ordering: .releasing) }
                guard now == round else { continue }
                work(task.withLock { $0 })
                done.store(round, ordering: .releasing)
                round += 1
            }
        }
        thread.start()
    }

    func begin(with bytes: [UInt8]) {
        task.withLock { $0 = bytes }
        asked.add(1, ordering: .releasing)
    }

    func wait() {
        let wanted = asked.load(ordering: .relaxed)
        while done.load(ordering: .acquiring) != wanted {}
    }

    func end() {
        asked.store(Self.ended, ordering: .releasing)
        while done.load(ordering: .acquiring) != Self.ended {}
    }
}
