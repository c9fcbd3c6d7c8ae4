// SPDX-License-Identifier: Apache-2.0

import KernelSockets
import Logging
import TLSClassifier
import WireTypes

extension RelayLoop {
    /// `hasPreface`: a PROXY header was read already.
    func startClassifying(_ connection: Connection, hasPreface: Bool = false) {
        let source = connection.tuple.source.address
        let manner = policy.manner(listener: connection.listener, source: source)
        connection.manner = manner
        connection.reader = ClientHelloReader(limit: manner.helloSize)
        setDeadline(connection, in: manner.helloTimeout)
        halfClassified.insert(connection.id)
        while halfClassified.count > limits.halfClassified, evictOldest() {}
        // It may have been the oldest itself, with a limit of 0.
        guard connections[connection.id] != nil else { return }
        connection.awaitsPreface = manner.expectsPreface && !hasPreface
        if !connection.awaitsPreface { awaitFirstByte(connection) }
        if connections[connection.id] != nil { classify(connection) }
    }

    /// Clients whose endpoint may speak first.
    private func awaitFirstByte(_ connection: Connection) {
        guard let patience = connection.manner.patience else { return }
        if patience == .zero { return conclude(connection, .silent) }
        guard connection.upward.pending.isEmpty else { return }
        connection.awaitsFirstByte = true
        setDeadline(connection, in: min(patience, connection.manner.helloTimeout))
    }

    /// Resets the client that has owed its hello for longest; false: there is none.
    func evictOldest() -> Bool {
        guard let id = halfClassified.oldest(isMember: isHalfClassified),
            let connection = connections[id]
        else { return false }
        log(connection, "client evicted before its hello was complete")
        note(.evicted, of: connection)
        reset(connection)
        return true
    }

    private func isHalfClassified(_ id: UInt64) -> Bool { connections[id]?.reader != nil }

    /// Reads on and asks the policy after each read.
    func classify(_ connection: Connection) {
        let client = connection.downstream
        while connection.phase == .classifying, client.isReadable {
            do {
                switch try client.socket.read(into: &buffer, atMost: max(1, room(connection))) {
                case .moved(let count): take(connection, count)
                case .wouldBlock: client.isReadable = false
                case .ended:
                    client.isReadable = false
                    connection.upward.hasEnded = true
                    conclude(connection, .ended)
                }
            } catch {
                note(.rstClient, of: connection)
                return close(connection)
            }
        }
    }

    /// How much more of a hello is wanted: one byte past the limit shows that it is too large.
    private func room(_ connection: Connection) -> Int {
        min(buffer.count, connection.manner.helloSize + 1 - connection.upward.pending.count)
    }

    private func take(_ connection: Connection, _ count: Int) {
        connection.upward.pending.append(contentsOf: buffer[..<count])
        var count = count
        if connection.awaitsPreface {
            guard let behind = readPreface(connection) else { return }
            count = behind
        }
        if count == 0 { return }
        if connection.awaitsFirstByte {
            connection.awaitsFirstByte = false
            setDeadline(connection, in: connection.manner.helloTimeout)
        }
        let pending = connection.upward.pending
        let bytes = pending.span.extracting(last: count)
        var classification = connection.reader?.read(bytes) ?? .needsMore
        if connection.upward.pending.count > connection.manner.helloSize,
            classification == .needsMore
        {
            classification = .notClassifiable(.tooLarge)
        }
        if classification == .needsMore {
            ask(connection, .classified(.needsMore))
        } else {
            conclude(connection, .classified(classification))
        }
    }

    /// Takes the PROXY header away. Answers how many bytes stand behind it; nil: it is not whole, or
    /// the client is not classified any more.
    private func readPreface(_ connection: Connection) -> Int? {
        switch ProxyPreface.read(connection.upward.pending.span) {
        case .needsMore: return nil
        case .malformed:
            conclude(connection, .withoutPreface)
            return nil
        case .whole(let preface):
            connection.awaitsPreface = false
            connection.named = preface.named ?? connection.tuple
            connection.upward.pending.removeFirst(preface.length)
            awaitFirstByte(connection)
            return connection.reader == nil ? nil : connection.upward.pending.count
        }
    }

    /// Asks for the last time: without an answer the client is closed.
    func conclude(_ connection: Connection, _ outcome: HelloOutcome) {
        ask(connection, outcome)
        if connection.phase == .classifying, connections[connection.id] != nil {
            reject(connection, .close)
        }
    }

    private func ask(_ connection: Connection, _ outcome: HelloOutcome) {
        let decision = policy.decide(
            listener: connection.listener, tuple: connection.tuple, named: connection.named,
            outcome: outcome)
        switch decision {
        case .relay(let plan):
            leaveClassifying(connection)
            start(connection, plan)
        case .reject(let action): reject(connection, action)
        case .needMore: break
        }
    }

    /// The client is no longer one of those whose hello is awaited.
    func leaveClassifying(_ connection: Connection) {
        guard connection.reader != nil else { return }
        connection.reader = nil
        connection.deadline = nil
        halfClassified.remove(isMember: isHalfClassified)
    }

    /// Reads what an adopted client's socket was filled with, so that it is acknowledged.
    func readHello(_ connection: Connection) {
        let client = connection.downstream
        do {
            switch try client.socket.read(into: &buffer) {
            case .moved(let count):
                connection.upward.pending.append(contentsOf: buffer[..<count])
            case .wouldBlock: client.isReadable = false
            case .ended: connection.upward.hasEnded = true
            }
        } catch {
            client.hasFailed = true
        }
    }
}
