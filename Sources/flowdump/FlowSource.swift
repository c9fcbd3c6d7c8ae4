// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import FlowReport

/// Where flows and counters come from: the pinned maps, or a test.
protocol FlowSource: ~Copyable {
    /// Hands every flow to `body`, in no order; ends early with the error that `body` throws.
    borrowing func forEachFlow(_ body: (Flow) throws -> Void) throws
    /// Verdicts and drop reasons since the instance began.
    borrowing func counters() throws -> [NamedNumber]
}
