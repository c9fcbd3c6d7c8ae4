// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import HealthChecking
internal import KernelSockets
internal import WireTypes

/// Looks for flows whose client repeats itself while its endpoint says nothing new at all: of one
/// endpoint several such mean that it is gone, and nobody else would know before its connections
/// time out, minutes later.
struct SilentFlows {
    /// From new data to its repetition: shorter than the least retransmission time-out of Linux,
    /// 200 ms, and longer than most round trips.
    static let repetition: UInt64 = 150_000_000
    /// From new data to a look at it: two repetitions have failed by then, or one and some time.
    static let patience: UInt64 = 350_000_000
    /// What was silent for longer was told before.
    static let freshness: UInt64 = 10_000_000_000
    /// Between two walks.
    private static let interval: UInt64 = 250_000_000
    /// Flows of one endpoint whose other direction is asked for.
    private static let most = 16

    private let targets: [TransportAddress: Int]
    private let signals: HealthSignals
    private var nextWalk: UInt64 = 0

    init(_ routes: RoutingSnapshot) {
        var targets: [TransportAddress: Int] = [:]
        for (index, target) in routes.targets.enumerated() { targets[target.address] = index }
        self.targets = targets
        signals = routes.signals
    }

    /// Walks the table, when it is time. A large one is walked less often: a twentieth of a core.
    mutating func look(at datapath: KernelDatapath, now: UInt64) {
        guard signals.watchesFlows, now >= nextWalk else { return }
        let start = MonotonicClock.processorNanoseconds
        var candidates: [Int: [SpliceRow]] = [:]
        try? datapath.forEachRow { row in
            guard row.isUpstream, Self.repeatsItself(row, now: now),
                let target = targets[row.upstream.destination],
                candidates[target, default: []].count < Self.most
            else { return }
            candidates[target, default: []].append(row)
        }
        // Not by the clock: a busy machine would make us blind.
        let cost = MonotonicClock.processorNanoseconds - start
        nextWalk = now + max(Self.interval, 20 * cost)
        for (target, rows) in candidates {
            let silent = rows.count { row in
                datapath.downstreamRow(of: row.upstream).map {
                    Self.isSilent($0, towards: row)
                } ?? false
            }
            signals.isSilent(target, flows: silent)
        }
    }

    /// Whether the client has sent something again that it sent not long ago.
    static func repeatsItself(_ row: SpliceRow, now: UInt64) -> Bool {
        guard row.state == .established || row.state == .closing else { return false }
        let sinceData = now > row.lastDataNanoseconds ? now - row.lastDataNanoseconds : 0
        return row.lastSeenNanoseconds >= row.lastDataNanoseconds + repetition
            && sinceData >= patience && sinceData <= freshness
    }

    /// Whether nothing came back since, or but what an endpoint says that hears nothing: data that it
    /// sent before, with an acknowledgement of less than the client has sent. One that is well and
    /// lacks a segment, or has no room, acknowledges without data.
    static func isSilent(_ downstream: SpliceRow, towards upstream: SpliceRow) -> Bool {
        guard downstream.createdNanoseconds == upstream.createdNanoseconds else { return false }
        if downstream.lastSeenNanoseconds < upstream.lastDataNanoseconds { return true }
        let acknowledged = downstream.forwardedAcknowledgement
        guard Int32(bitPattern: acknowledged &- upstream.nextSequence) < 0 else { return false }
        guard upstream.lastDataNanoseconds > upstream.createdNanoseconds else { return false }
        // Rows know moments by 17 ms: of two in the same, what is not acknowledged came last.
        if downstream.lastSeenNanoseconds == upstream.lastDataNanoseconds { return true }
        return downstream.totals.retransmittedBytes > 0
            && downstream.lastDataNanoseconds < upstream.lastDataNanoseconds
    }
}
