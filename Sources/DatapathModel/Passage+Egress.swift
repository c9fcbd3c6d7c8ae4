// SPDX-License-Identifier: Apache-2.0

/// Priority of the daemon's own sockets.
private let daemonPriority: UInt32 = 0x51

extension Passage {
    /// The guard at egress: nothing that this host's stack makes up leaves for a tuple with a flow.
    /// What came in from elsewhere, what the daemon sends, and what is no TCP segment is none of
    /// its affair.
    mutating func egress() -> Verdict {
        guard world.ingressInterface == 0, world.priority != daemonPriority,
            case .segment(let segment) = find(),
            world.index(of: segment.tuple.reversed) != nil
        else { return .pass }
        return end(.drop, .dropLocal)
    }
}
