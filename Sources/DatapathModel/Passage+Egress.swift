// SPDX-License-Identifier: Apache-2.0

/// Priority of the daemon's own sockets.
private let daemonPriority: UInt32 = 0x51

extension Passage {
    /// The guard at egress: nothing that this host's stack makes up leaves for a tuple with a flow.
    /// What came in from elsewhere and what is no TCP segment is none of its affair. What the daemon
    /// sends passes; a client's data in it are that direction's.
    mutating func egress() -> Verdict {
        guard world.ingressInterface == 0, case .segment(let segment) = find(),
            let index = world.index(of: segment.tuple.reversed)
        else { return .pass }
        guard world.priority == daemonPriority else { return end(.drop, .dropLocal) }
        let row = world.rows[index].row
        guard row.state != .connecting, let peer = peer(of: row) else { return .pass }
        if segment.has(Flag.rst) {
            endByReset(segment, index, peer)
        } else if segment.payload > 0, !row.flags.contains(.upstream) {
            let delta = world.rows[peer].row.sequenceDelta
            let end = segment.sequence &+ UInt32(segment.payload) &- delta
            advance(to: end, &world.rows[peer].row)
            world.rows[peer].row.packets += 1
            world.rows[peer].row.bytes += UInt64(segment.payload)
        }
        return .pass
    }

    /// Ends a flow that is not over yet, in both directions.
    private mutating func endByReset(_ segment: Segment, _ index: Int, _ peer: Int) {
        let (key, row) = world.rows[index]
        guard row.state != .closed, row.state != .reset else { return }
        setState(.reset, index, peer)
        world.rows[peer].row.lastSeen = world.tick
        // Nobody has asked for it in this epoch.
        world.rows[peer].row.nextHop = NextHop()
        let client = row.flags.contains(.upstream) ? key : row.rewrite.reversed
        records.append(
            .event(
                .reset, client: client, created: row.created, sequence: segment.sequence,
                acknowledgement: segment.acknowledgement))
    }
}
