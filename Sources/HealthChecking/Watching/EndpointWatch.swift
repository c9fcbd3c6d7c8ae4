// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// What is known of one endpoint's health. Times are CLOCK_MONOTONIC nanoseconds.
///
///     unknown ─┬─ good check ─▶ up ◀──── `rise` good checks ──── down
///     waiting ─┘                │                                 ▲
///        │                      ├─ `fall` bad checks ─────────────┤
///        └──── bad check ───────│─────────────────────────────────┤
///                               └─ a signal ─▶ suspect ─ bad check ┘
///                                                └─ good check ─▶ up
///
/// Beside that, connects that fail eject it for a time.
struct EndpointWatch {
    /// What checks found.
    enum Finding {
        case unknown, waiting, up, down
    }

    /// Clients' connections say that something is wrong.
    struct Suspicion {
        var since: UInt64
    }

    var finding: Finding
    /// Checks in a row that speak against the finding.
    var streak = 0
    var suspicion: Suspicion?
    /// Signals before that are not believed: the last one was a false alarm.
    var trustedUntil: UInt64 = 0
    var lastError: String?

    /// When the check under way began; nil: none is under way.
    var checking: UInt64?
    /// When the last check began.
    var lastCheck: UInt64 = 0
    /// When the next one is due; nil while one is under way, or when there are none.
    var nextCheck: UInt64?

    /// Failed connects in a row.
    var failures = 0
    var ejectedUntil: UInt64?
    /// Ejections in short order.
    var ejections = 0
    /// When the last one was over.
    var returned: UInt64 = 0

    /// An endpoint that is watched from now on.
    ///
    /// - Parameter check: nil: nobody asks it.
    /// - Parameter known: What an earlier watch found; what is not of checks is forgotten.
    /// - Parameter draw: A random number; checks of many endpoints do not come at once.
    init(
        _ check: HealthCheck?, known: EndpointHealth = .unknown, now: UInt64, draw: UInt64
    ) {
        guard let check else {
            finding = .unknown
            return
        }
        finding =
            switch known {
            case .up, .suspect: .up
            case .down: .down
            case .unknown, .waiting, .ejected:
                check.start == .waitForFirst ? .waiting : .unknown
            }
        let whole = check.interval.wholeNanoseconds
        // Nothing is served before the first one: soon.
        let spread = finding == .waiting ? min(whole, 1_000_000_000) : whole
        nextCheck = now + draw.multipliedFullWidth(by: spread).high
    }

    /// All in one word.
    var health: EndpointHealth {
        if finding == .down { return .down }
        if ejectedUntil != nil { return .ejected }
        switch finding {
        case .waiting: return .waiting
        case .unknown: return suspicion == nil ? .unknown : .suspect
        case .up, .down: return suspicion == nil ? .up : .suspect
        }
    }

    /// When something is to be done next; nil: nothing is.
    var wake: UInt64? {
        guard let ejectedUntil, let nextCheck else { return ejectedUntil ?? nextCheck }
        return min(ejectedUntil, nextCheck)
    }
}

extension EndpointWatch {
    /// A connect of a client failed; true: there were enough of them in a row.
    mutating func connectFailed(_ error: String, _ ejection: Ejection?) -> Bool {
        lastError = error
        guard let ejection, ejectedUntil == nil else { return false }
        failures += 1
        return failures >= ejection.failures
    }

    /// A connect of a client succeeded.
    mutating func connected() { failures = 0 }

    /// Takes it out; the answer is for how long.
    mutating func eject(_ ejection: Ejection, now: UInt64) -> UInt64 {
        let base = max(ejection.base.wholeNanoseconds, 1)
        // In service for as long as an ejection lasts, one is forgiven.
        let served = now > returned ? Int(clamping: (now - returned) / base) : 0
        ejections = min(max(ejections - served, 0) + 1, Ejection.longest)
        let time = base * UInt64(ejections)
        ejectedUntil = now + time
        failures = 0
        return time
    }

    /// Ends an ejection whose time is over; false: there is none such.
    mutating func endEjection(now: UInt64) -> Bool {
        guard let until = ejectedUntil, until <= now else { return false }
        ejectedUntil = nil
        returned = now
        failures = 0
        return true
    }
}

extension Duration {
    /// Nanoseconds, at least 0.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
