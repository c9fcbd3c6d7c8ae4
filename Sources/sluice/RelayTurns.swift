// SPDX-License-Identifier: Apache-2.0

import Balancing
import KernelSockets
import Synchronization

/// The endpoints that one relayed connection tries. The one tried last counts it among its
/// connections as long as this lives, and that is as long as the connection; so do the bounds.
final class RelayTurns: Sendable {
    private struct State {
        var picker: Picker
        var tried = TriedEndpoints()
        /// What the splicer picked, and did not try.
        var first: Int?
        var current: (load: EndpointLoad, cap: ConnectionCap?)?

        mutating func leaveCurrent() {
            current?.load.close()
            current?.cap?.giveBack()
            current = nil
        }
    }

    private let client: ClientKey
    private let loads: [EndpointLoad]
    private let limits: ConnectionLimits?
    private let seat: Seat
    private let state: Mutex<State>

    /// `loads`: of the cluster's endpoints. `seat`: where the connection counts already.
    init(
        _ picker: Picker, _ client: ClientKey, first: Int?, loads: [EndpointLoad],
        limits: ConnectionLimits?, seat: Seat
    ) {
        self.client = client
        self.loads = loads
        self.limits = limits
        self.seat = seat
        state = Mutex(State(picker: picker, first: first))
    }

    deinit {
        state.withLock { $0.leaveCurrent() }
        limits?.giveBack(seat)
    }

    /// The next one; nil when all were tried, or are full.
    func next() -> Int? {
        state.withLock { state in
            state.leaveCurrent()
            while let endpoint = turn(&state) {
                state.tried.insert(endpoint)
                let cap = seat.cluster.flatMap { limits?.cap(cluster: $0, endpoint: endpoint) }
                // Another connection may have had the last place since.
                if cap?.take() == false { continue }
                state.current = (loads[endpoint], cap)
                loads[endpoint].open()
                return endpoint
            }
            return nil
        }
    }

    private func turn(_ state: inout State) -> Int? {
        state.first.take()
            ?? state.picker.pick(
                for: client, excluding: state.tried, now: MonotonicClock.nanoseconds)
    }
}
