// SPDX-License-Identifier: Apache-2.0

import Balancing
import KernelSockets
import Synchronization

/// The endpoints that one relayed connection tries. The one tried last counts it among its
/// connections as long as this lives, and that is as long as the connection; so does what is
/// bounded.
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
    private let caps: [ConnectionCap?]
    private let places: TakenPlaces?
    private let state: Mutex<State>

    /// `loads` and `caps`: of the cluster's endpoints; no cap: none has one. `places`: where the
    /// connection counts already.
    init(
        _ picker: Picker, _ client: ClientKey, first: Int?, loads: [EndpointLoad],
        caps: [ConnectionCap?], places: TakenPlaces?
    ) {
        self.client = client
        self.loads = loads
        self.caps = caps
        self.places = places
        state = Mutex(State(picker: picker, first: first))
    }

    deinit {
        state.withLock { $0.leaveCurrent() }
        places?.giveBack()
    }

    /// The next one; nil when all were tried, or are full.
    func next() -> Int? {
        state.withLock { state in
            state.leaveCurrent()
            while let endpoint = turn(&state) {
                state.tried.insert(endpoint)
                let cap = caps.isEmpty ? nil : caps[endpoint]
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
