// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import WireTypes

/// Rows of a walk through the flow table, each matched with the other direction of its connection.
struct RowPairs {
    /// Both directions of one connection.
    struct Pair: Equatable {
        /// Client → endpoint.
        var upstream: SpliceRow
        /// Endpoint → client.
        var downstream: SpliceRow
    }

    /// A tuple is used again and again: the time tells connections apart.
    private struct Connection: Hashable {
        var client: FlowTuple
        var upstream: FlowTuple
        var createdNanoseconds: UInt64

        init(_ row: SpliceRow) {
            client = row.client
            upstream = row.upstream
            createdNanoseconds = row.createdNanoseconds
        }
    }

    private var waiting: [Connection: SpliceRow] = [:]

    /// The pair that `row` completes; nil: its other direction was not seen yet.
    mutating func add(_ row: SpliceRow) -> Pair? {
        let connection = Connection(row)
        // A walk may give one row twice when rows come and go meanwhile.
        guard let other = waiting[connection], other.isUpstream != row.isUpstream else {
            waiting[connection] = row
            return nil
        }
        waiting[connection] = nil
        return row.isUpstream
            ? Pair(upstream: row, downstream: other) : Pair(upstream: other, downstream: row)
    }

    /// Rows that are alone.
    var alone: some Collection<SpliceRow> { waiting.values }
}
