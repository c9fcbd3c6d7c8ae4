// SPDX-License-Identifier: Apache-2.0

import CrashPoints
import Datapath
import KernelSockets
import Logging
import WireTypes

extension RelayLoop {
    /// Takes up a plan: tells the observer and tries the first endpoint.
    func start(_ connection: Connection, _ plan: RelayPlan) {
        connection.plan = plan
        connection.phase = .connecting
        connection.upward.own(plan.ownedBytes)
        let report = RelayedConnection(
            tuple: connection.tuple, createdNanoseconds: now, lastSeenNanoseconds: now,
            listener: plan.listener, cluster: plan.cluster, reason: plan.reason,
            serverName: plan.serverName)
        connection.report = report
        observer.didOpen(report)
        tryNext(connection)
    }

    /// Connects to the next endpoint that does not fail at once.
    private func tryNext(_ connection: Connection) {
        guard let plan = connection.plan else { return close(connection) }
        while let candidate = plan.candidate(connection.attempts) {
            connection.attempts += 1
            connection.candidate = candidate
            connection.report?.endpoint = candidate.index
            connection.asked = MonotonicClock.nanoseconds
            do throws(SocketError) {
                try refuseLoop(to: candidate.address)
                let socket = try TCPSocket.connecting(
                    to: candidate.address, from: candidate.source)
                prepare(socket)
                let upstream = Side(socket)
                try channel.epoll.add(
                    upstream.socket, Self.everything, token: connection.id | 1)
                connection.upstream = upstream
                CrashPoint.reach(.endpointConnecting)
                return setDeadline(connection, in: plan.connectTimeout)
            } catch {
                tellFailure(connection, error)
            }
        }
        log(connection, "no endpoint accepted")
        reject(connection, plan.whenExhausted)
    }

    /// An endpoint that is a listening socket of ours would make its client a client again, and so on
    /// until nobody has a descriptor left. Names may come to mean us at any time.
    private func refuseLoop(to address: TransportAddress) throws(SocketError) {
        guard policy.isOfThisHost(address.address) else { return }
        let isOurs = listeners.values.contains { listener in
            let own = listener.socket.address
            return own.port == address.port
                && (own.address == address.address
                    || own.address.isUnspecified
                        && own.address.isIPv4 == address.address.isIPv4)
        }
        guard isOurs else { return }
        if toldLoops.insert(address).inserted {
            logger.warning(
                "an endpoint is this balancer itself; its clients go to another one or none",
                metadata: ["endpoint": "\(address)"])
        }
        throw SocketError("connect", address.description, code: SocketError.loop)
    }

    private func tellFailure(_ connection: Connection, _ error: SocketError) {
        log(connection, "endpoint did not accept", error)
        if let report = connection.report { observer.didFailToConnect(report, error) }
    }

    /// The endpoint refused or was too slow: takes the next.
    func connectFailed(_ connection: Connection, code: Int32) {
        let address = connection.candidate?.address.description ?? ""
        connection.upstream?.socket.close()
        connection.upstream = nil
        connection.deadline = nil
        tellFailure(connection, SocketError("connect", address, code: code))
        tryNext(connection)
    }

    /// An event while connecting, of either side.
    func watchConnecting(_ connection: Connection) {
        if connection.downstream.hasFailed {
            note(.rstClient, of: connection)
            return reset(connection)
        }
        guard let upstream = connection.upstream else { return }
        if upstream.hasFailed {
            let error = upstream.socket.takeError()
            return connectFailed(connection, code: error?.code ?? SocketError.timedOut)
        }
        guard upstream.isWritable else { return }
        CrashPoint.reach(.endpointConnected)
        connection.phase = .copying
        connection.connected = MonotonicClock.nanoseconds
        connection.deadline = nil
        if let local = upstream.socket.localAddress, let peer = upstream.socket.peerAddress {
            connection.report?.upstream = FlowTuple(source: local, destination: peer)
        }
        if let report = currentReport(connection) { observer.didUpdate(report) }
        log(connection, "relaying")
        awaitIdleness(connection, limits.idleTimeout)
        copy(connection)
    }

    /// One debug line with the facts of a connection.
    func log(
        _ connection: Connection, _ message: Logger.Message, _ error: SocketError? = nil
    ) {
        guard logger.logLevel <= .debug else { return }
        var metadata: Logger.Metadata = [
            "flow.tuple": "\(connection.tuple)", "listener": "\(connection.listener)",
        ]
        if let report = connection.report {
            metadata["cluster"] = "\(report.cluster)"
            metadata["endpoint"] = "\(report.endpoint)"
            metadata["reason"] = "\(report.reason.rawValue)"
        }
        if let error { metadata["error"] = "\(error)" }
        logger.debug(message, metadata: metadata)
    }
}
