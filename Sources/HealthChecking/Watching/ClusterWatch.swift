// SPDX-License-Identifier: Apache-2.0

public import Balancing

/// The health of a cluster's endpoints: events in, transitions out. No I/O and no clock; times are
/// CLOCK_MONOTONIC nanoseconds, and random numbers come from whoever calls.
public struct ClusterWatch: Sendable {
    /// How endpoints are asked; nil: they are not.
    public let check: HealthCheck?
    /// When failing connects take endpoints out; nil: never.
    public let ejection: Ejection?
    private var endpoints: [EndpointWatch]

    /// Watches `count` endpoints. `known`: what an earlier watch found of one, by its place.
    public init(
        check: HealthCheck?, ejection: Ejection?, count: Int, now: UInt64,
        random: inout some RandomNumberGenerator,
        known: (Int) -> EndpointHealth = { _ in .unknown }
    ) {
        self.check = check
        self.ejection = ejection
        endpoints = []
        for index in 0..<count {
            endpoints.append(
                EndpointWatch(check, known: known(index), now: now, draw: random.next()))
        }
    }

    /// Goes on where somebody else left off, whose checks under way nobody ends any more.
    public mutating func resume(now: UInt64, random: inout some RandomNumberGenerator) {
        guard let check else { return }
        for index in endpoints.indices where endpoints[index].checking != nil {
            endpoints[index].skipCheck(check, now: now, draw: random.next())
        }
    }

    /// How many endpoints there are.
    public var count: Int { endpoints.count }

    /// What an endpoint is taken for.
    public func health(of endpoint: Int) -> EndpointHealth { endpoints[endpoint].health }

    /// When `wakeUp` is to be called for an endpoint; nil: not until something happens to it.
    public func wake(of endpoint: Int) -> UInt64? { endpoints[endpoint].wake }

    /// Time has come for an endpoint. `begins`: a check is to be made, and its end is to be told.
    public mutating func wakeUp(_ endpoint: Int, now: UInt64)
        -> (transition: HealthTransition?, begins: Bool)
    {
        let transition = change(endpoint, .ejectionOver) { _ = $0.endEjection(now: now) }
        guard endpoints[endpoint].isDue(now: now) else { return (transition, false) }
        endpoints[endpoint].beginCheck(now: now)
        return (transition, true)
    }

    /// A check is over; `error` nil: it was good.
    public mutating func finishCheck(
        of endpoint: Int, error: String?, now: UInt64, random: inout some RandomNumberGenerator
    ) -> HealthTransition? {
        guard let check else { return nil }
        let draw: UInt64 = random.next()
        return change(endpoint, .check) {
            $0.finishCheck(error, check, now: now, draw: draw)
        }
    }

    /// A check could not be made, for reasons of our own: as if there had been none.
    public mutating func skipCheck(
        of endpoint: Int, now: UInt64, random: inout some RandomNumberGenerator
    ) {
        guard let check else { return }
        endpoints[endpoint].skipCheck(check, now: now, draw: random.next())
    }

    /// A client's connect failed.
    public mutating func connectFailed(_ endpoint: Int, error: String, now: UInt64)
        -> HealthTransition?
    {
        let mayLeave = mayEject(endpoint)
        let ejection = ejection
        var time: UInt64 = 0
        var transition = change(endpoint, .connectFailures) { watch in
            let isEnough = watch.connectFailed(error, ejection)
            if isEnough, mayLeave, let ejection { time = watch.eject(ejection, now: now) }
            _ = watch.suspect(now: now)
        }
        if time > 0 { transition?.time = .nanoseconds(Int64(clamping: time)) }
        return transition
    }

    /// A client's connect succeeded.
    public mutating func connected(_ endpoint: Int) { endpoints[endpoint].connected() }

    /// The datapath saw something.
    public mutating func suspect(
        _ endpoint: Int, _ cause: HealthCause, error: String, now: UInt64
    ) -> HealthTransition? {
        change(endpoint, cause) { if $0.suspect(now: now) { $0.lastError = error } }
    }

    /// Whether one more may be out.
    private func mayEject(_ endpoint: Int) -> Bool {
        guard let ejection, endpoints[endpoint].finding != .down else { return false }
        let out = endpoints.count { !$0.health.isWell }
        let isIn = endpoints[endpoint].health.isWell
        return (out + (isIn ? 1 : 0)) * 100 <= ejection.maxShare * endpoints.count
    }

    private mutating func change(
        _ endpoint: Int, _ cause: HealthCause, _ body: (inout EndpointWatch) -> Void
    ) -> HealthTransition? {
        let before = endpoints[endpoint].health
        body(&endpoints[endpoint])
        let after = endpoints[endpoint].health
        guard before != after else { return nil }
        return HealthTransition(
            endpoint: endpoint, before: before, after: after, cause: cause,
            lastError: endpoints[endpoint].lastError)
    }
}
