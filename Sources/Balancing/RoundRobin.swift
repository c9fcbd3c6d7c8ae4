// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Smooth weighted round robin over the endpoints of a cluster, shared by all workers.
///
/// The order of one cycle is computed once; a choice is one atomic increment and one look-up, so
/// that several threads together still follow the one order exactly.
public final class RoundRobin: Sendable {
    /// How many endpoints there are.
    public let endpointCount: Int
    private let steps: [UInt16]
    private let position: Atomic<UInt64>

    /// A rota of `endpoints`, of which there is at least one.
    ///
    /// Cost is endpoints × cycle length, where the cycle is the sum of the weights divided by their
    /// common divisor, at most 16384 steps. Weights that would need a longer cycle are scaled down
    /// to it, each to at least one step.
    ///
    /// - Parameter start: the step to begin with; different ones keep balancers out of step.
    public init(_ endpoints: [Endpoint], start: UInt64 = 0) {
        precondition(!endpoints.isEmpty && endpoints.count <= Int(UInt16.max))
        endpointCount = endpoints.count
        steps = SmoothCycle.steps(weights: endpoints.map(\.weight))
        position = Atomic(start)
    }

    /// How many choices there are until the order repeats.
    public var cycleLength: Int { steps.count }

    /// The index of the endpoint for the next connection.
    public func next() -> Int { Int(steps[nextStep()]) }

    /// The index of the next endpoint that is not in `tried`, or nil when all are.
    ///
    /// Takes one turn like ``next()``; endpoints that were tried are stepped over without taking
    /// the turns of other connections.
    public func next(excluding tried: TriedEndpoints) -> Int? {
        if tried.isEmpty { return next() }
        guard tried.count < endpointCount else { return nil }
        let first = nextStep()
        for offset in steps.indices {
            let index = Int(steps[(first + offset) % steps.count])
            if !tried.contains(index) { return index }
        }
        return nil
    }

    private func nextStep() -> Int {
        let turn = position.wrappingAdd(1, ordering: .relaxed).oldValue
        return Int(turn % UInt64(steps.count))
    }
}
