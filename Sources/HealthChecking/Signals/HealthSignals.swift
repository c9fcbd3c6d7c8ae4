// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Why a connect failed.
public enum ConnectFailure: Hashable, Sendable, CustomStringConvertible {
    /// The endpoint answered with RST.
    case refused
    /// Nothing came in time.
    case noAnswer
    /// The kernel said something else.
    case failed(String)

    /// Completes "the endpoint …".
    public var description: String {
        switch self {
        case .refused: "refused the connection"
        case .noAnswer: "did not answer in time"
        case .failed(let reason): "could not be connected to: \(reason)"
        }
    }
}

/// What clients' connections say about endpoints, from splicers, sweeper and relay to whoever
/// judges. An endpoint is named by its target: its place among all endpoint addresses.
///
/// A connect that succeeds costs one load of an atomic, an RST two; only what must be judged takes
/// a lock.
public final class HealthSignals: Sendable {
    /// One thing that was seen.
    public enum Signal: Hashable, Sendable {
        /// A connect failed.
        case connectFailed(target: Int, ConnectFailure)
        /// A connect succeeded, the first one since one failed.
        case connected(target: Int)
        /// The endpoint reset ``HealthSignals/burst`` connections within a second.
        case resetBurst(target: Int)
        /// So many flows repeat themselves into silence.
        case silence(target: Int, flows: Int)
        /// A client found no endpoint in the cluster at that place; told once until it is asked for.
        case empty(cluster: Int)
    }

    private final class Figures: Sendable {
        let hasFailed = Atomic<Bool>(false)
        let burstStart = Atomic<UInt64>(0)
        let resets = Atomic<Int>(0)
    }

    private struct Inbox {
        var signals: [Signal] = []
        var empty: [Int: Int] = [:]
        var bell: (@Sendable () -> Void)?
    }

    /// Resets within a second that are told.
    public static let burst = 3
    /// Silent flows that are told.
    public static let silentFlows = 2
    private static let window: UInt64 = 1_000_000_000
    private static let most = 4096
    private let figures: [Figures]
    private let inbox = Mutex(Inbox())
    private let watching = Atomic<Bool>(false)

    /// For so many targets, of which the first are those of `earlier`.
    public init(targets: Int, continuing earlier: HealthSignals? = nil) {
        let known = earlier?.figures ?? []
        figures = known + (known.count..<targets).map { _ in Figures() }
    }

    /// From now on `bell` is called, on any thread, when there is something to take. `watchesFlows`:
    /// whether anybody wants to hear of silent flows.
    public func listen(watchesFlows: Bool, bell: @escaping @Sendable () -> Void) {
        inbox.withLock { $0.bell = bell }
        watching.store(watchesFlows, ordering: .relaxed)
    }

    /// Whether anybody wants to hear of silent flows.
    public var watchesFlows: Bool { watching.load(ordering: .relaxed) }

    /// A client's connect failed.
    public func connectFailed(_ target: Int, _ failure: ConnectFailure) {
        figures[target].hasFailed.store(true, ordering: .relaxed)
        post(.connectFailed(target: target, failure))
    }

    /// A client's connect succeeded.
    public func connected(_ target: Int) {
        guard figures[target].hasFailed.load(ordering: .relaxed) else { return }
        figures[target].hasFailed.store(false, ordering: .relaxed)
        post(.connected(target: target))
    }

    /// The endpoint reset a connection. `now`: CLOCK_MONOTONIC nanoseconds.
    public func wasReset(by target: Int, now: UInt64) {
        let figures = figures[target]
        // Of two threads at the border of a window one may be lost.
        if now > figures.burstStart.load(ordering: .relaxed) + Self.window {
            figures.burstStart.store(now, ordering: .relaxed)
            figures.resets.store(0, ordering: .relaxed)
        }
        let count = figures.resets.add(1, ordering: .relaxed).newValue
        if count == Self.burst { post(.resetBurst(target: target)) }
    }

    /// Flows repeat themselves, and the endpoint does not answer.
    public func isSilent(_ target: Int, flows: Int) {
        if flows >= Self.silentFlows { post(.silence(target: target, flows: flows)) }
    }

    /// A client found no endpoint in a cluster.
    public func foundEmpty(cluster: Int) {
        let bell = inbox.withLock { inbox in
            inbox.empty[cluster, default: 0] += 1
            guard inbox.empty[cluster] == 1 else { return nil as (@Sendable () -> Void)? }
            inbox.signals.append(.empty(cluster: cluster))
            return inbox.bell
        }
        bell?()
    }

    /// How many clients found the cluster empty since this was asked last.
    public func takeEmpty(cluster: Int) -> Int {
        inbox.withLock { $0.empty.removeValue(forKey: cluster) ?? 0 }
    }

    /// Everything since the last call, in its order.
    public func takeAll() -> [Signal] {
        inbox.withLock { inbox in
            defer { inbox.signals = [] }
            return inbox.signals
        }
    }

    private func post(_ signal: Signal) {
        let bell = inbox.withLock { inbox in
            // Past that the judge is behind, and more would change nothing.
            guard inbox.bell != nil, inbox.signals.count < Self.most else {
                return nil as (@Sendable () -> Void)?
            }
            inbox.signals.append(signal)
            return inbox.signals.count == 1 ? inbox.bell : nil
        }
        bell?()
    }
}
