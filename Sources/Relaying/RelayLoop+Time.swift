// SPDX-License-Identifier: Apache-2.0

import KernelSockets
import Logging
import WireTypes

extension RelayLoop {
    /// Gives a connection a deadline in place of the one it had.
    func setDeadline(_ connection: Connection, in duration: Duration?) {
        guard let duration else {
            connection.deadline = nil
            return
        }
        let deadline = now &+ duration.nanoseconds
        connection.deadline = deadline
        deadlines.insert(connection.id, at: deadline)
    }

    func runDeadlines() {
        if let time = acceptAgain, time <= now { resumeAccepting() }
        while let entry = deadlines.take(until: now) {
            // An entry of a connection that is gone, or whose deadline was moved since.
            guard let connection = connections[entry.token],
                connection.deadline == entry.deadline
            else { continue }
            connection.deadline = nil
            deadlinePassed(connection)
        }
    }

    private func deadlinePassed(_ connection: Connection) {
        switch connection.phase {
        case .classifying:
            conclude(connection, connection.awaitsFirstByte ? .silent : .timedOut)
        case .connecting:
            connectFailed(connection, code: SocketError.timedOut)
        case .copying: checkIdle(connection)
        case .rejecting: close(connection)
        case .resetting: finishReset(connection)
        }
    }

    /// An idle connection has one deadline at a time, moved when it passes, not with each byte.
    private func checkIdle(_ connection: Connection) {
        guard let limit = limits.idleTimeout, let report = connection.report else { return }
        let idle = now &- report.lastSeenNanoseconds
        if idle >= limit.nanoseconds {
            log(connection, "relayed connection was idle")
            note(.idle, of: connection)
            return reset(connection)
        }
        awaitIdleness(connection, .nanoseconds(Int64(limit.nanoseconds - idle)))
    }

    /// Looks again after `rest`, or earlier: entries of connections that are over stay in the queue
    /// until their time, so that of a day's connections nothing must be left.
    func awaitIdleness(_ connection: Connection, _ rest: Duration?) {
        setDeadline(connection, in: rest.map { min($0, .seconds(60)) })
    }

    /// Notes bytes for the next report.
    func noteBytes(_ connection: Connection) {
        connection.report?.lastSeenNanoseconds = now
        guard !connection.isUnreported else { return }
        connection.isUnreported = true
        unreported.append(connection.id)
        if nextReport == nil { nextReport = now &+ 1_000_000_000 }
    }

    /// Tells the observer of all counters that moved, once a second.
    func reportCounters() {
        guard let time = nextReport, time <= now else { return }
        nextReport = nil
        for id in unreported {
            guard let connection = connections[id] else { continue }
            connection.isUnreported = false
            if let report = currentReport(connection) { observer.didUpdate(report) }
        }
        unreported.removeAll(keepingCapacity: true)
    }

    func currentReport(_ connection: Connection) -> RelayedConnection? {
        connection.report?.upstreamBytes = connection.upward.bytes
        connection.report?.downstreamBytes = connection.downward.bytes
        return connection.report
    }
}
