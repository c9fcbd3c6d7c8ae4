// SPDX-License-Identifier: Apache-2.0

internal import KernelSockets
public import WireTypes

/// How a relayed connection, or one that was turned away, ended.
public enum RelayEnding: Sendable, Equatable {
    /// Both sides sent FIN, the client first.
    case finClient
    /// Both sides sent FIN, the endpoint first.
    case finEndpoint
    /// An RST of the client, or it is unreachable.
    case rstClient
    /// An RST of the endpoint, or it is unreachable.
    case rstEndpoint
    /// Silent for too long.
    case idle
    /// Ended with its endpoint.
    case endpointDown
    /// Turned away.
    case rejected
    /// Turned away since too many clients owe their hello.
    case evicted
    /// The relay stopped.
    case stopped
}

/// A connection that is over, as the log tells of it.
public struct RelayEnd: Sendable {
    /// Client → listener.
    public var tuple: FlowTuple
    /// Id of the listener; nil: an adopted client that was only to be turned away.
    public var listener: UInt16?
    /// What the observer knew last; nil: it never had a plan.
    public var connection: RelayedConnection?
    /// How it ended.
    public var ending: RelayEnding
    /// CLOCK_MONOTONIC nanoseconds when its socket was there.
    public var began: UInt64
    /// … when it was known where it goes; nil: never.
    public var planned: UInt64?
    /// … when the last endpoint was asked.
    public var asked: UInt64?
    /// … when one accepted.
    public var connected: UInt64?
    /// … when it ended.
    public var ended: UInt64
    /// Endpoints asked.
    public var attempts: Int
}

extension RelayObserver {
    /// Nothing is wanted.
    public var wantsEnds: Bool { false }

    /// Nothing is done.
    public func didEnd(_ end: RelayEnd) {}
}

extension RelayLoop {
    /// Notes how a connection ends; the first word of it counts.
    func note(_ ending: RelayEnding, of connection: Connection) {
        if connection.ending == nil { connection.ending = ending }
    }

    /// Who closed first, or failed.
    func noteEnds(of connection: Connection, _ upstream: Side) {
        guard connection.closedFirst == nil else { return }
        if connection.upward.hasEnded, !upstream.hasFailed {
            connection.closedFirst = connection.downstream.hasFailed ? .rstClient : .finClient
        } else if connection.downward.hasEnded, !connection.downstream.hasFailed {
            connection.closedFirst = upstream.hasFailed ? .rstEndpoint : .finEndpoint
        } else if connection.downstream.hasFailed || upstream.hasFailed {
            connection.closedFirst = connection.downstream.hasFailed ? .rstClient : .rstEndpoint
        }
    }

    func tellEnd(of connection: Connection) {
        guard observer.wantsEnds else { return }
        let isRejected = connection.phase == .rejecting || connection.phase == .classifying
        var end = RelayEnd(
            tuple: connection.tuple, listener: connection.listener,
            connection: currentReport(connection),
            ending: connection.ending ?? ending(of: connection)
                ?? (isRejected ? .rejected : .stopped),
            began: connection.began, ended: MonotonicClock.nanoseconds,
            attempts: connection.attempts)
        if connection.isOnlyRejected { end.listener = nil }
        end.planned = connection.report?.createdNanoseconds
        end.asked = connection.asked
        end.connected = connection.connected
        observer.didEnd(end)
    }

    /// A FIN, then an RST of either side: the RST ended it.
    private func ending(of connection: Connection) -> RelayEnding? {
        guard let first = connection.closedFirst else { return nil }
        guard first == .finClient || first == .finEndpoint else { return first }
        if connection.downstream.hasFailed { return .rstClient }
        return connection.upstream?.hasFailed == true ? .rstEndpoint : first
    }
}
