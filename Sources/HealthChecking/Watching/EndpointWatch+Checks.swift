// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// Active checks: what they find, and when the next one is due.
extension EndpointWatch {
    /// The least time between the starts of two checks, whatever the signals: a tenth of a second.
    private static let leastGap: UInt64 = 100_000_000

    /// Whether a check is to begin.
    func isDue(now: UInt64) -> Bool { nextCheck.map { $0 <= now } ?? false }

    /// A check begins.
    mutating func beginCheck(now: UInt64) {
        checking = now
        lastCheck = now
        nextCheck = nil
    }

    /// The check under way is over; `error` nil: it was good.
    mutating func finishCheck(_ error: String?, _ check: HealthCheck, now: UInt64, draw: UInt64) {
        guard let began = checking else { return }
        checking = nil
        if let error {
            lastError = error
            wasBad(check)
        } else {
            wasGood(check, began: began, now: now)
        }
        let pause = pause(check)
        // What came while the check ran may be of after its answer: another one at once.
        let wait = isUrgent(began) ? Self.leastGap : Self.spread(pause, check.jitter, draw)
        nextCheck = max(now, lastCheck + wait)
    }

    /// A check could not be made, for reasons of our own.
    mutating func skipCheck(_ check: HealthCheck, now: UInt64, draw: UInt64) {
        checking = nil
        nextCheck = now + max(Self.spread(pause(check), check.jitter, draw), Self.leastGap)
    }

    private mutating func wasGood(_ check: HealthCheck, began: UInt64, now: UInt64) {
        switch finding {
        case .unknown, .waiting, .up:
            finding = .up
            streak = 0
            if suspicion != nil, !isUrgent(began) {
                suspicion = nil
                trustedUntil = now + check.interval.wholeNanoseconds
            }
        case .down:
            streak += 1
            if streak >= check.rise { settle(.up) }
        }
    }

    private mutating func wasBad(_ check: HealthCheck) {
        switch finding {
        case .waiting: settle(.down)
        case .unknown, .up:
            streak += 1
            // Clients have seen the same: no more proof is needed.
            if streak >= check.fall || suspicion != nil { settle(.down) }
        case .down: streak = 0
        }
    }

    private mutating func settle(_ finding: Finding) {
        self.finding = finding
        streak = 0
        suspicion = nil
    }

    /// Whether a signal is younger than a check that began then.
    private func isUrgent(_ began: UInt64) -> Bool { suspicion.map { $0.since > began } ?? false }

    /// A signal of the datapath, or a connect that failed: a check comes at once. False: it is not
    /// believed, or there is nobody to ask.
    mutating func suspect(now: UInt64) -> Bool {
        guard finding == .up || finding == .unknown, suspicion == nil, now >= trustedUntil,
            ejectedUntil == nil, checking != nil || nextCheck != nil
        else { return false }
        suspicion = Suspicion(since: now)
        if let due = nextCheck { nextCheck = min(due, max(now, lastCheck + Self.leastGap)) }
        return true
    }

    private func pause(_ check: HealthCheck) -> UInt64 {
        let normal = check.interval
        // Without a rise of 1, a good check of one that is down has a streak.
        if streak > 0 { return (check.fastInterval ?? normal).wholeNanoseconds }
        if finding == .down { return (check.downInterval ?? normal).wholeNanoseconds }
        return normal.wholeNanoseconds
    }

    /// Up to `jitter` percent longer or shorter, as `draw` falls.
    static func spread(_ pause: UInt64, _ jitter: Int, _ draw: UInt64) -> UInt64 {
        let reach = pause / 100 * UInt64(jitter)
        return pause - reach + draw.multipliedFullWidth(by: 2 * reach + 1).high
    }
}
