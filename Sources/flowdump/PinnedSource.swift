// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import FlowReport

/// The pinned maps of an instance: they are there whether or not the daemon lives.
///
/// The one place that waits for `PinnedFlowTable` of Datapath.
struct PinnedSource: FlowSource, ~Copyable {
    private static let abiVersion = 1

    init(instance: String) throws {
        throw FlowdumpError(
            """
            no instance "\(instance)": nothing pinned under \
            /sys/fs/bpf/sluice/\(instance)-v\(Self.abiVersion); is sluice running?
            """)
    }

    borrowing func forEachFlow(_ body: (Flow) throws -> Void) throws {}

    borrowing func counters() throws -> [NamedNumber] { [] }
}
