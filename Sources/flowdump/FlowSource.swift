// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import FlowReport

/// Where flows and counters come from: the pinned maps, or a test. Its flows are read once.
protocol FlowSource: ~Copyable, Sendable {
    /// Hands some flows to `body`, in no order; false when none are left. Threads may share the
    /// work: each flow is told to one of them. Ends early with the error that `body` throws.
    borrowing func nextFlows(_ body: (Flow) throws -> Void) throws -> Bool
    /// Verdicts and drop reasons since the instance began.
    borrowing func counters() throws -> [NamedNumber]
}

extension FlowSource where Self: ~Copyable {
    /// Hands every flow to `body`.
    borrowing func forEachFlow(_ body: (Flow) throws -> Void) throws {
        while try nextFlows(body) {}
    }
}
