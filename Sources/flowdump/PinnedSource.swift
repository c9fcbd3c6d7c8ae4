// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import FlowReport

/// The pinned maps of an instance: they are there whether or not the daemon lives.
struct PinnedSource: FlowSource, ~Copyable {
    private let table: PinnedFlowTable
    private let walk: FlowWalk

    init(instance: String) throws {
        table = try PinnedFlowTable(instance: instance)
        walk = table.walk()
    }

    borrowing func nextFlows(_ body: (Flow) throws -> Void) throws -> Bool {
        try table.nextFlows(of: walk, body)
    }

    borrowing func counters() throws -> [NamedNumber] {
        table.counters().map { NamedNumber(name: $0.name, value: $0.value) }
    }
}
