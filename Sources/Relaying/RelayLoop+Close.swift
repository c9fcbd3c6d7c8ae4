// SPDX-License-Identifier: Apache-2.0

import KernelSockets
import TLSClassifier
import Logging
import WireTypes

extension RelayLoop {
    /// What a rejected client may send before it gets an RST after all.
    private static let discardLimit = 1 << 20
    /// How often a send queue is looked at that must be empty before an RST.
    private static let resetPoll = Duration.milliseconds(5)

    /// Both directions are done: FIN went both ways, or one side is gone.
    func finish(_ connection: Connection) {
        guard let upstream = connection.upstream,
            upstream.hasFailed || connection.downstream.hasFailed
        else { return close(connection) }
        connection.phase = .resetting
        connection.resetStarted = now
        finishReset(connection)
    }

    /// Sends RST to the side that is left, once it has acknowledged what came before. An RST throws
    /// the send queue away, which a direct connection would not have done.
    func finishReset(_ connection: Connection) {
        guard let upstream = connection.upstream else { return reset(connection) }
        let client = connection.downstream
        guard client.hasFailed != upstream.hasFailed else { return reset(connection) }
        let left = client.hasFailed ? upstream : client
        let waited = now &- connection.resetStarted
        guard left.socket.unacknowledged > 0, waited < limits.resetTimeout.nanoseconds
        else { return reset(connection) }
        setDeadline(connection, in: Self.resetPoll)
    }

    /// Turns a client away.
    func reject(_ connection: Connection, _ action: RejectAction) {
        leaveClassifying(connection)
        note(.rejected, of: connection)
        connection.upstream?.socket.close()
        connection.upstream = nil
        if action == .reset { return reset(connection) }
        let client = connection.downstream
        do {
            if action == .alert {
                // Into an empty send queue: it fits, or the client is gone.
                let alert = TLSAlert.unrecognizedName.record
                _ = try client.socket.write(alert.span)
            }
            try client.socket.shutdownWriting()
        } catch {
            return reset(connection)
        }
        connection.phase = .rejecting
        setDeadline(connection, in: limits.rejectTimeout)
        client.isReadable = true
        drain(connection)
    }

    /// Throws away what a rejected client still sends: closed with bytes unread, the kernel would
    /// send an RST, and that overtakes the alert.
    func drain(_ connection: Connection) {
        let client = connection.downstream
        while client.isReadable {
            do {
                switch try client.socket.discard(atMost: 1 << 16) {
                case .moved(let count): connection.discarded += count
                case .wouldBlock: client.isReadable = false
                case .ended: return close(connection)
                }
            } catch {
                return close(connection)
            }
            if connection.discarded > Self.discardLimit { return reset(connection) }
        }
    }

    /// Ends all connections that an endpoint of a cluster has accepted.
    func endAll(to endpoint: TransportAddress, of cluster: UInt16) {
        let all = connections.values.filter {
            $0.phase == .copying && $0.report?.cluster == cluster
                && $0.candidate?.address == endpoint
        }
        for connection in all {
            note(.endpointDown, of: connection)
            reset(connection)
        }
    }

    /// Ends a connection with RST to both sides.
    func reset(_ connection: Connection) {
        connection.downstream.socket.reset()
        connection.upstream?.socket.reset()
        close(connection)
    }

    /// Ends a connection; what is still open is closed as the kernel sees fit.
    func close(_ connection: Connection) {
        guard connections[connection.id] != nil else { return }
        leaveClassifying(connection)
        connections[connection.id] = nil
        connection.downstream.socket.close()
        connection.upstream?.socket.close()
        abandon(&connection.upward)
        abandon(&connection.downward)
        tellEnd(of: connection)
        guard connection.report != nil || connection.isAdopted else { return }
        observer.didClose(connection.tuple, currentReport(connection))
        log(connection, "relayed connection closed")
    }
}
