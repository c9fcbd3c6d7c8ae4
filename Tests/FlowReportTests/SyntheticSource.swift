// SPDX-License-Identifier: Apache-2.0

import Datapath
import Synchronization
import WireTypes

@testable import FlowReport
@testable import flowdump

/// Makes flows up, one different from the other.
struct SyntheticSource: FlowSource, ~Copyable {
    private static let batch = 1000

    private let count: Int
    private let next = Mutex(0)

    init(count: Int) { self.count = count }

    borrowing func nextFlows(_ body: (Flow) throws -> Void) throws -> Bool {
        let first = next.withLock { next in
            defer { next += Self.batch }
            return next
        }
        if first >= count { return false }
        try tell(first..<min(first + Self.batch, count), body)
        return true
    }

    private func tell(_ numbers: Range<Int>, _ body: (Flow) throws -> Void) throws {
        let names = (0..<64).map { "host\($0).some.server.test" }
        var flow = SampleFlows.spliced
        for index in numbers {
            let client = TransportAddress(
                IPAddress(v4: 0x0a00_0000 | UInt32(index >> 8)), UInt16(20_000 + index & 255))
            flow.upstream.tuple = FlowTuple(
                source: client, destination: flow.upstream.tuple.destination)
            flow.downstream.rewrite = flow.upstream.tuple.reversed
            flow.upstream.bytes = UInt64(index) * 977
            flow.upstream.sequenceDelta = UInt32(truncatingIfNeeded: index &* 2_654_435_761)
            flow.serverName = names[index & 63]
            flow.createdNanoseconds = SampleFlows.now - UInt64(index) * 1_000_000
            try body(flow)
        }
    }

    func counters() throws -> [NamedNumber] {
        [
            NamedNumber(name: "translated", value: 123_456_789),
            NamedNumber(name: "drop-no-route", value: 0),
        ]
    }
}
