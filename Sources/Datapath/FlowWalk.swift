// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KernelBPF
internal import Synchronization

/// How far a `PinnedFlowTable` was read. Threads may share it.
public final class FlowWalk: Sendable {
    /// Both rows of a spliced connection.
    struct Pair {
        let upstreamKey: flow_tuple
        let upstream: flow_entry
        let downstreamKey: flow_tuple
        let downstream: flow_entry
    }

    let spliced = MapWalk()
    let relayed = MapWalk()
    private let waiting: Mutex<WaitingRows>

    init(capacity: Int) { waiting = Mutex(WaitingRows(capacity: capacity)) }

    /// The connections of which these rows complete what the walk has seen.
    func pairs(_ keys: Span<flow_tuple>, _ entries: Span<flow_entry>) -> [Pair] {
        waiting.withLock { waiting in
            var pairs: [Pair] = []
            pairs.reserveCapacity(keys.count)
            waiting.add(keys, entries) { key, entry, partnerKey, partner in
                pairs.append(
                    entry.isUpstream
                        ? Pair(
                            upstreamKey: key, upstream: entry, downstreamKey: partnerKey,
                            downstream: partner)
                        : Pair(
                            upstreamKey: partnerKey, upstream: partner, downstreamKey: key,
                            downstream: entry))
            }
            return pairs
        }
    }
}
