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
        guard segment.payload > 0, row.state != .connecting, !row.flags.contains(.upstream),
            let peer = peer(of: row)
        else { return .pass }
        let delta = world.rows[peer].row.sequenceDelta
        let end = segment.sequence &+ UInt32(segment.payload) &- delta
        advance(to: end, &world.rows[peer].row)
        world.rows[peer].row.packets += 1
        world.rows[peer].row.bytes += UInt64(segment.payload)
        return .pass
    }
}
