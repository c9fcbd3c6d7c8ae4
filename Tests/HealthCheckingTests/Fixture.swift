// SPDX-License-Identifier: Apache-2.0

import Balancing
import HealthChecking

/// Numbers that are random and always the same (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64 = 1) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

extension UInt64 {
    static func milliseconds(_ count: Int) -> UInt64 { UInt64(count) * 1_000_000 }
    static func seconds(_ count: Int) -> UInt64 { milliseconds(count * 1000) }
}

/// A cluster whose checks and clients do as the test says, on a clock of its own.
struct Ward {
    var watch: ClusterWatch
    var random = SplitMix()
    var now: UInt64 = .seconds(1000)
    var transitions: [HealthTransition] = []

    init(
        _ count: Int = 1, ejection: Ejection? = nil, checked: Bool = true,
        _ change: (inout HealthCheck) -> Void = { _ in }
    ) {
        var check = HealthCheck()
        check.interval = .seconds(10)
        check.jitter = 0
        change(&check)
        watch = ClusterWatch(
            check: checked ? check : nil, ejection: ejection, count: count, now: now,
            random: &random)
    }

    func health(_ endpoint: Int = 0) -> EndpointHealth { watch.health(of: endpoint) }

    /// Goes on to the next check of an endpoint, which ends at once; the time since the last event.
    @discardableResult
    mutating func check(_ endpoint: Int = 0, _ error: String? = nil) -> UInt64 {
        let start = now
        begin(endpoint)
        finish(endpoint, error)
        return now - start
    }

    mutating func begin(_ endpoint: Int = 0) {
        // An ejection may end before.
        for _ in 1...3 {
            now = max(now, watch.wake(of: endpoint) ?? now)
            let (transition, begins) = watch.wakeUp(endpoint, now: now)
            note(transition)
            if begins { return }
        }
        fatalError("no check is due")
    }

    mutating func finish(_ endpoint: Int = 0, _ error: String? = nil) {
        note(watch.finishCheck(of: endpoint, error: error, now: now, random: &random))
    }

    mutating func fail(_ endpoint: Int = 0, times: Int = 1) {
        for _ in 0..<times {
            note(watch.connectFailed(endpoint, error: "refused the connection", now: now))
        }
    }

    /// Time passes; ejections end, and checks that are due cannot be made.
    mutating func wait(_ time: UInt64) {
        now += time
        for endpoint in 0..<watch.count where watch.wake(of: endpoint).map({ $0 <= now }) ?? false {
            let (transition, begins) = watch.wakeUp(endpoint, now: now)
            note(transition)
            if begins { watch.skipCheck(of: endpoint, now: now, random: &random) }
        }
    }

    mutating func note(_ transition: HealthTransition?) {
        if let transition { transitions.append(transition) }
    }
}
