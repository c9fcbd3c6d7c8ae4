// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Testing
import WireTypes

@Suite(.needsKernel) struct `Splices that have lingered` {
    private let splice = EstablishedSplice(.v4)

    /// Ends the splice that was made at `created`; true when its port is free.
    private func end(_ bench: TestBench, created: UInt64 = 0) throws -> Bool {
        var splices = [
            LingeredSplice(
                upstream: splice.family.upstream, createdNanoseconds: created, target: 7)
        ]
        var ends = SpliceEnds(bench.datapath, worker: 0)
        try ends.remove(&splices)
        #expect(splices.allSatisfy { $0.target == 7 })
        return !splices.isEmpty
    }

    private func rowsLeft(_ bench: TestBench) -> Int {
        [splice.clientTuple, splice.endpointTuple].filter { bench.datapath.row(of: $0) != nil }
            .count
    }

    @Test(arguments: [FlowState.closed, .reset])
    func `are removed when they are over`(state: FlowState) throws {
        try TestBench.use { bench in
            var splice = splice
            splice.upstream.state = state
            splice.downstream.state = state
            try splice.program(bench)
            #expect(try end(bench))
            #expect(rowsLeft(bench) == 0)
        }
    }

    @Test func `are removed when one direction is over or gone`() throws {
        try TestBench.use { bench in
            var splice = splice
            splice.upstream.state = .reset
            try splice.program(bench)
            #expect(try end(bench))
            #expect(rowsLeft(bench) == 0)
            try bench.datapath.set(splice.downstream, of: splice.endpointTuple)
            #expect(try end(bench))
            #expect(rowsLeft(bench) == 0)
        }
    }

    @Test func `live on when traffic revived them`() throws {
        try TestBench.use { bench in
            try splice.program(bench)
            #expect(try !end(bench))
            #expect(rowsLeft(bench) == 2)
        }
    }

    @Test func `have a free port when the datapath removed them`() throws {
        let isFree = try TestBench.use { bench in try end(bench) }
        #expect(isFree)
    }

    @Test func `leave another connection of their tuple alone`() throws {
        try TestBench.use { bench in
            var splice = splice
            splice.upstream.state = .closed
            splice.downstream.state = .closed
            try splice.program(bench)
            #expect(try !end(bench, created: 1))
            #expect(rowsLeft(bench) == 2)
        }
    }

    @Test func `leave the client's next connection alone`() throws {
        try TestBench.use { bench in
            var splice = splice
            splice.downstream.state = .closed
            splice.upstream.createdNanoseconds = 5
            try splice.program(bench)
            #expect(try end(bench))
            #expect(try splice.clientRow(bench).createdNanoseconds == 5)
            #expect(rowsLeft(bench) == 1)
        }
    }

    @Test func `are told apart in one call`() throws {
        try TestBench.use { bench in
            let upstreams = (0..<UInt16(SpliceEnds.capacity)).map { number in
                FlowTuple(
                    source: TransportAddress(splice.family.upstream.source.address, 20000 + number),
                    destination: splice.family.upstream.destination)
            }
            for (number, upstream) in upstreams.enumerated() {
                var row = splice.downstream
                row.state = number.isMultiple(of: 2) ? .closed : .established
                row.createdNanoseconds = number.isMultiple(of: 2) ? 1 : 2
                try bench.datapath.set(row, of: upstream.reversed)
            }
            var splices = upstreams.enumerated().map {
                LingeredSplice(upstream: $1, createdNanoseconds: 1, target: $0)
            }
            var ends = SpliceEnds(bench.datapath, worker: 1)
            try ends.remove(&splices)
            #expect(splices.map(\.target) == Array(stride(from: 0, to: upstreams.count, by: 2)))
        }
    }
}
