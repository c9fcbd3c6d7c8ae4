// SPDX-License-Identifier: Apache-2.0

import KernelSockets

extension RelayLoop {
    /// Bytes of one direction before others get their turn.
    private static let turn = 512 * 1024
    /// What one splice(2) may move; the pipe holds less or more, as pages come.
    private static let spliceLimit = 256 * 1024

    /// Copies both ways until nothing moves or the turn is used up.
    func copy(_ connection: Connection) {
        guard let upstream = connection.upstream else { return }
        let client = connection.downstream
        let before = connection.upward.bytes &+ connection.downward.bytes
        var isUpDone = copy(&connection.upward, from: client, to: upstream)
        let isDownDone = copy(&connection.downward, from: upstream, to: client)
        // A failed write may be the only word of it: the other direction has to see it too.
        if client.hasFailed { isUpDone = copy(&connection.upward, from: client, to: upstream) }
        noteEnds(of: connection, upstream)
        if connection.upward.bytes &+ connection.downward.bytes != before {
            noteBytes(connection)
        }
        if connection.upward.isFinished, connection.downward.isFinished {
            return finish(connection)
        }
        if !(isUpDone && isDownDone), !connection.isQueued {
            connection.isQueued = true
            waiting.append(connection.id)
        }
    }

    /// Copies one way. False: the turn is used up, and more may be there.
    private func copy(_ stream: inout Stream, from source: Side, to sink: Side) -> Bool {
        let limit = stream.bytes &+ UInt64(Self.turn)
        while !stream.isFinished {
            if sink.hasFailed {
                abandon(&stream)
                return true
            }
            guard flush(&stream, to: sink) else {
                if sink.hasFailed { continue }
                return true
            }
            if stream.hasEnded {
                // After a failed source comes an RST (`finish`), not a FIN.
                if !source.hasFailed, (try? sink.socket.shutdownWriting()) == nil {
                    sink.fail()
                }
                stream.isFinished = true
                return true
            }
            guard source.isReadable else { return true }
            if stream.bytes > limit { return false }
            fill(&stream, from: source, to: sink)
        }
        return true
    }

    /// The sink is gone: what was meant for it is thrown away.
    func abandon(_ stream: inout Stream) {
        stream.pending = []
        stream.pipe = nil
        stream.hasEnded = true
        stream.isFinished = true
    }

    /// Writes what is held. False: the sink takes no more now, or has failed.
    private func flush(_ stream: inout Stream, to sink: Side) -> Bool {
        while !stream.isEmpty {
            guard sink.isWritable else { return false }
            do {
                let transfer: Transfer
                if !stream.pending.isEmpty {
                    transfer = try sink.socket.write(
                        stream.pending.span.extracting(droppingFirst: stream.pendingOffset))
                } else if let pipe = stream.pipe {
                    transfer = try sink.socket.splice(from: pipe.pipe, atMost: pipe.count)
                } else {
                    return true
                }
                guard case .moved(let count) = transfer else {
                    sink.isWritable = false
                    return false
                }
                remove(count, from: &stream)
            } catch {
                sink.fail()
                return false
            }
        }
        return true
    }

    private func remove(_ count: Int, from stream: inout Stream) {
        let owned = min(stream.ownedCount, count)
        stream.ownedCount -= owned
        stream.bytes &+= UInt64(count - owned)
        if !stream.pending.isEmpty {
            stream.pendingOffset += count
            if stream.pendingOffset == stream.pending.count {
                stream.pending = []
                stream.pendingOffset = 0
            }
        } else if let pipe = stream.pipe {
            pipe.count -= count
            if pipe.count == 0 {
                pipes.giveBack(pipe)
                stream.pipe = nil
            }
        }
    }

    /// Reads once, by splice(2) when much is coming, and hands short reads on at once.
    private func fill(_ stream: inout Stream, from source: Side, to sink: Side) {
        do {
            if stream.isBulk, !source.hasUrgentData, let pipe = pipes.borrow() {
                try splice(&stream, from: source, through: pipe)
            } else {
                try read(&stream, from: source, to: sink)
            }
        } catch {
            source.hasFailed = true
            stream.hasEnded = true
        }
    }

    private func splice(
        _ stream: inout Stream, from source: Side, through pipe: PooledPipe
    ) throws(SocketError) {
        let transfer: Transfer
        do {
            transfer = try source.socket.splice(into: pipe.pipe, atMost: Self.spliceLimit)
        } catch {
            pipes.giveBack(pipe)
            throw error
        }
        switch transfer {
        case .moved(let count):
            pipe.count = count
            stream.pipe = pipe
            stream.isBulk = count >= buffer.count
            return
        case .wouldBlock: exhaust(&stream, source)  // the pipe was empty
        case .ended: stream.hasEnded = true
        }
        pipes.giveBack(pipe)
    }

    private func read(
        _ stream: inout Stream, from source: Side, to sink: Side
    ) throws(SocketError) {
        switch try source.socket.read(into: &buffer) {
        case .moved(let count):
            stream.isBulk = count == buffer.count
            // A short read has emptied the socket; what comes later is a new edge. With a FIN or
            // urgent data behind it there may be none.
            if count < buffer.count, !source.peerClosed, !source.hasUrgentData {
                source.isReadable = false
            }
            pass(count, &stream, to: sink)
        case .wouldBlock: exhaust(&stream, source)
        case .ended: stream.hasEnded = true
        }
    }

    /// Nothing more to read now; and never, when the source has failed.
    private func exhaust(_ stream: inout Stream, _ source: Side) {
        source.isReadable = false
        if source.hasFailed { stream.hasEnded = true }
    }

    /// Writes the first `count` bytes of the buffer, and keeps what the sink does not take.
    private func pass(_ count: Int, _ stream: inout Stream, to sink: Side) {
        var written = 0
        if sink.isWritable {
            do {
                switch try sink.socket.write(buffer.span.extracting(first: count)) {
                case .moved(let number): written = number
                default: sink.isWritable = false
                }
            } catch {
                sink.fail()
            }
        }
        stream.bytes &+= UInt64(written)
        if written < count { stream.pending.append(contentsOf: buffer[written..<count]) }
    }
}
