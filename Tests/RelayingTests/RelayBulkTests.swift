// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelSockets
import Relaying
import Testing
import WireTypes

/// A stream of any length: pseudo-random bytes that repeat after a prime count.
private struct Pattern {
    private static let period = 99_991
    /// Twice the period, so that any piece shorter than one stands in it unbroken.
    private let bytes: [UInt8]

    init(seed: UInt64) {
        var random = seed
        let once = (0..<Self.period).map { _ in
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: random >> 56)
        }
        bytes = once + once
    }

    /// `count` bytes of the stream from `offset` on, at most 64 KiB.
    func piece(at offset: Int, _ count: Int) -> ArraySlice<UInt8> {
        let start = offset % Self.period
        return bytes[start..<start + min(count, 65536)]
    }

    /// Whether `other` are the bytes from `offset` on; memcmp, for debug builds are slow.
    func matches(_ other: ArraySlice<UInt8>, at offset: Int) -> Bool {
        unsafe piece(at: offset, other.count).withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { theirs in
                guard let mine = mine.baseAddress, let other = theirs.baseAddress else {
                    return unsafe theirs.isEmpty
                }
                return unsafe memcmp(mine, other, theirs.count) == 0
            }
        }
    }
}

/// Sends `total` bytes of a pattern and a FIN, while it checks what comes against another; reads
/// slowly if told so.
private final class BulkPeer {
    private let peer: Peer
    private let outgoing: Pattern
    private let incoming: Pattern
    private let total: Int
    private let pause: UInt32
    private var buffer: [UInt8]
    private var isSending = true
    private var isReading = true
    private(set) var sent = 0
    private(set) var received = 0
    private(set) var isIntact = true

    init(_ peer: Peer, total: Int, sends: Pattern, expects: Pattern, pause: UInt32) {
        self.peer = peer
        self.total = total
        outgoing = sends
        incoming = expects
        self.pause = pause
        buffer = [UInt8](repeating: 0, count: pause == 0 ? 65536 : 24000)
    }

    /// Moves what can be moved now; false: nothing.
    func step() throws -> Bool {
        let hasSent = isSending ? try send() : false
        let hasRead = isReading ? try receive() : false
        return hasSent || hasRead
    }

    var isDone: Bool { !isSending && !isReading }

    private func send() throws -> Bool {
        guard sent < total else {
            try peer.sendEnd()
            isSending = false
            return true
        }
        let piece = outgoing.piece(at: sent, total - sent)
        guard case .moved(let count) = try peer.socket.write(piece.span) else { return false }
        sent += count
        return true
    }

    private func receive() throws -> Bool {
        switch try peer.socket.read(into: &buffer) {
        case .moved(let count):
            if !incoming.matches(buffer[..<count], at: received) { isIntact = false }
            received += count
            if pause > 0 { usleep(pause) }
            return true
        case .wouldBlock: return false
        case .ended:
            isReading = false
            return true
        }
    }
}

@Suite(.serialized) struct `Relayed bulk` {
    /// `pause`: microseconds that the client sleeps after each read.
    @Test(arguments: [UInt32(0), 400])
    func `16 MiB each way arrive uncorrupted`(pause: UInt32) throws {
        let endpoint = try LocalEndpoint()
        let fixture = try RelayFixture(.relaying(to: [endpoint.address]))
        let client = try Peer.connected(to: fixture.address)
        // Small, but larger than loopback's segments of 64 KiB: below, the kernel itself crawls.
        if pause > 0 { try client.socket.setBufferSizes(send: 131_072, receive: 131_072) }
        let total = 16 << 20
        try client.send("!")
        let server = try endpoint.accept()
        #expect(try server.receive(1) == "!")
        let up = Pattern(seed: 1)
        let down = Pattern(seed: 2)
        let far = BulkPeer(server, total: total, sends: down, expects: up, pause: 0)
        let near = BulkPeer(client, total: total, sends: up, expects: down, pause: pause)
        let limit = ContinuousClock.now + .seconds(60)
        while !(near.isDone && far.isDone), ContinuousClock.now < limit {
            let moved = [try near.step(), try far.step()]
            if !moved.contains(true) { usleep(100) }
        }
        #expect(near.received == total && near.isIntact)
        #expect(far.received == total && far.isIntact)
        #expect(eventually { fixture.observer.record.closed.count == 1 })
        let last = try #require(fixture.observer.record.closed.first?.connection)
        #expect(last.upstreamBytes == UInt64(total) + 1)
        #expect(last.downstreamBytes == UInt64(total))
    }

    @Test func `a client that does not read stops the endpoint`() throws {
        let endpoint = try LocalEndpoint()
        let fixture = try RelayFixture(.relaying(to: [endpoint.address]))
        let client = try Peer.connected(to: fixture.address)
        try client.socket.setBufferSizes(send: 8192, receive: 8192)
        try client.send("!")
        let server = try endpoint.accept()
        let chunk = [UInt8](repeating: 1, count: 65536)
        var sent = 0
        var last = ContinuousClock.now
        while ContinuousClock.now - last < .milliseconds(500), sent < 256 << 20 {
            if case .moved(let count) = try server.socket.write(chunk.span) {
                sent += count
                last = .now
            } else {
                usleep(500)
            }
        }
        // What the kernel buffers on the way, by its limits, and one pipe.
        #expect(sent < 64 << 20)
    }
}
