// SPDX-License-Identifier: Apache-2.0

import Balancing
import KernelSockets
import Synchronization

/// The endpoints that one relayed connection tries. The one tried last counts it among its
/// connections as long as this lives, and that is as long as the connection.
final class RelayTurns: Sendable {
    private struct State {
        var picker: Picker
        var tried = TriedEndpoints()
        /// What the splicer picked, and did not try.
        var first: Int?
        var current: EndpointLoad?
    }

    private let client: ClientKey
    private let loads: [EndpointLoad]
    private let state: Mutex<State>

    /// `loads`: of the cluster's endpoints.
    init(_ picker: Picker, _ client: ClientKey, first: Int?, loads: [EndpointLoad]) {
        self.client = client
        self.loads = loads
        state = Mutex(State(picker: picker, first: first))
    }

    deinit { state.withLock { $0.current?.close() } }

    /// The next one; nil when all were tried.
    func next() -> Int? {
        state.withLock { state in
            state.current?.close()
            state.current = nil
            let endpoint =
                state.first.take()
                ?? state.picker.pick(
                    for: client, excluding: state.tried, now: MonotonicClock.nanoseconds)
            guard let endpoint else { return nil }
            state.tried.insert(endpoint)
            state.current = loads[endpoint]
            state.current?.open()
            return endpoint
        }
    }
}
