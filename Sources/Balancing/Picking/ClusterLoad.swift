// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The connections of all endpoints of a cluster: how many there are, and who has the fewest for
/// its weight.
@safe final class ClusterLoad: Sendable {
    private let loads: [EndpointLoad]
    /// Those of `loads`, which keep them alive: read for each choice, without counting references.
    private let figures: [Unmanaged<LoadFigures>]
    private let sum = Atomic<Int>(0)
    /// Only where somebody asks for the least loaded one.
    private let tournament: Tournament?

    init(_ loads: [EndpointLoad], findsLeast: Bool) {
        self.loads = loads
        unsafe figures = loads.map { unsafe Unmanaged.passUnretained($0.figures) }
        tournament = findsLeast ? Tournament(loads.map(\.figures)) : nil
        for (index, load) in loads.enumerated() {
            load.follow(LoadFollower(cluster: self, index: index))
        }
    }

    /// Counts no more: its cluster is no longer configured.
    func retire() {
        for load in loads { load.unfollow(self) }
    }

    /// Connections of all endpoints.
    var total: Int { sum.load(ordering: .relaxed) }

    /// The endpoint with the fewest connections for its weight; nil when none takes part.
    var least: Int? { tournament?.winner }

    func active(of index: Int) -> Int {
        unsafe figures[index]._withUnsafeGuaranteedRef { $0.active }
    }

    /// The usual time to connect in nanoseconds; 0 when nothing is known.
    func connectTime(of index: Int, now: UInt64) -> UInt64 {
        unsafe figures[index]._withUnsafeGuaranteedRef { $0.connectTime(now: now) }
    }

    /// Who takes part from now on, by weight; 0: not at all.
    func use(weights: [Int]) { tournament?.use(weights: weights) }

    /// An endpoint had so many connections when its opening and ends began to be told.
    func begin(with active: Int) { sum.add(active, ordering: .relaxed) }

    func didOpen(_ index: Int) {
        sum.add(1, ordering: .relaxed)
        tournament?.tookTurn(index)
    }

    func didClose(_ index: Int) {
        sum.subtract(1, ordering: .relaxed)
        tournament?.refresh(index)
    }
}
