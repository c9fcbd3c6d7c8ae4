// SPDX-License-Identifier: Apache-2.0

import CrashPoints
import KernelSockets
import Logging
import WireTypes

extension RelayLoop {
    /// Everything, once: what is wanted at the moment stands in `Side`.
    static let everything: Readiness = [
        .readable, .writable, .peerClosed, .urgent, .edgeTriggered,
    ]

    /// Clients taken from one listening socket before others get their turn.
    private static let acceptTurn = 64

    func watch(_ listener: RelayListener) {
        let token = takeID()
        do {
            try channel.epoll.add(listener.socket, .readable, token: token)
            listeners[token] = listener
        } catch {
            logger.info("cannot watch listening socket", metadata: ["error": "\(error)"])
        }
    }

    func accept(_ listener: RelayListener, token: UInt64) {
        for _ in 0..<Self.acceptTurn {
            do {
                switch try listener.socket.accept() {
                case .nobody: return
                case .client(let socket, let tuple):
                    begin(socket, tuple, listener: listener.listener)
                }
            } catch {
                guard error.isOutOfDescriptors, evictOldest() else {
                    return pauseAccepting(error)
                }
            }
        }
    }

    /// The listening sockets stay readable, so watching them on would spin.
    private func pauseAccepting(_ error: SocketError) {
        logger.info("cannot accept clients for now", metadata: ["error": "\(error)"])
        acceptAgain = now &+ 100_000_000
        for (token, listener) in listeners {
            try? channel.epoll.change(listener.socket, [], token: token)
        }
    }

    func resumeAccepting() {
        acceptAgain = nil
        for (token, listener) in listeners {
            try? channel.epoll.change(listener.socket, .readable, token: token)
        }
    }

    private func begin(_ socket: consuming TCPSocket, _ tuple: FlowTuple, listener: UInt16) {
        guard policy.admits(listener: listener, tuple: tuple) else {
            var socket = socket
            return socket.reset()
        }
        let isAdopted = observer.didAccept(tuple)
        guard
            let connection = register(socket, tuple, listener: listener, isAdopted: isAdopted)
        else { return }
        startClassifying(connection)
    }

    /// Makes a connection of a client's socket and watches it.
    func register(
        _ socket: consuming TCPSocket, _ tuple: FlowTuple, listener: UInt16, isAdopted: Bool
    ) -> Connection? {
        prepare(socket)
        let connection = Connection(
            id: takeID(), tuple: tuple, listener: listener, isAdopted: isAdopted,
            downstream: Side(socket), began: now)
        do {
            try channel.epoll.add(
                connection.downstream.socket, Self.everything, token: connection.id)
        } catch {
            logger.debug("cannot watch client", metadata: ["error": "\(error)"])
            connection.downstream.socket.reset()
            if isAdopted { observer.didClose(tuple, nil) }
            return nil
        }
        connections[connection.id] = connection
        return connection
    }

    /// Options that make a relay transparent. None can fail on a live socket, and a dead one tells
    /// at the next read.
    func prepare(_ socket: borrowing TCPSocket) {
        try? socket.setNoDelay()
        try? socket.setKeepAlive()
        try? socket.setUrgentInline()
        if let timeout = limits.userTimeout { try? socket.setUserTimeout(timeout) }
    }

    func adopt(_ adopted: AdoptedConnection, _ purpose: AdoptionPurpose) {
        let tuple = adopted.tuple
        var isActivated = false
        do {
            let repaired = try RepairedSocket(adopted)
            try observer.willActivate(tuple)
            CrashPoint.reach(.tupleNoted)
            isActivated = true
            let socket = try repaired.activate()
            follow(socket, adopted, purpose)
        } catch {
            logger.debug(
                "cannot adopt connection",
                metadata: ["flow.tuple": "\(tuple)", "error": "\(error)"])
            observer.didFailToAdopt(adopted, error)
            if isActivated { observer.didClose(tuple, nil) }
        }
    }

    private func follow(
        _ socket: consuming TCPSocket, _ adopted: AdoptedConnection, _ purpose: AdoptionPurpose
    ) {
        let listener =
            switch purpose {
            case .relay(let plan): plan.listener
            case .classify(let listener): listener
            case .reject: UInt16(0)
            }
        guard
            let connection = register(socket, adopted.tuple, listener: listener, isAdopted: true)
        else { return }
        // The first read sends the acknowledgement, so it does not wait for epoll.
        connection.downstream.isReadable = true
        if let named = adopted.named { connection.named = named }
        switch purpose {
        case .relay(let plan):
            readHello(connection)
            start(connection, plan)
        case .classify: startClassifying(connection, hasPreface: adopted.named != nil)
        case .reject(let action):
            connection.isOnlyRejected = true
            reject(connection, action)
        }
    }
}
