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
    /// The interface of each way out when the walk began; 0: none.
    private let interfaces: [UInt32]

    init(capacity: Int, interfaces: [UInt32]) {
        waiting = Mutex(WaitingRows(capacity: capacity))
        self.interfaces = interfaces
    }

    /// The interface that a row leaves by whose way is in that slot; 0: not known.
    func interface(ofWay slot: UInt16) -> UInt32 {
        Int(slot) < interfaces.count ? interfaces[Int(slot)] : 0
    }

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
