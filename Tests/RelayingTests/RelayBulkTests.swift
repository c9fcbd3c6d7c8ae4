// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelSockets
import Relaying
import Testing
import WireTypes

/// FNV-1a, good enough to tell two streams apart.
private struct Digest: Equatable {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    var count = 0

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        count += bytes.count
    }
}

/// Sends `total` pseudo-random bytes and a FIN, while it reads what comes; reads slowly if told so.
private final class BulkPeer {
    let peer: Peer
    var sent = Digest()
    var received = Digest()
    private var isSending = true
    private var isReading = true
    private var random: UInt64
    private var chunk: [UInt8] = []
    private var offset = 0
    private let total: Int
    private let pause: UInt32
    private var buffer: [UInt8]

    init(_ peer: Peer, total: Int, seed: UInt64, pause: UInt32) {
        self.peer = peer
        self.total = total
        random = seed
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
        if offset == chunk.count {
            guard sent.count < total else {
                try peer.sendEnd()
                isSending = false
                return true
            }
            makeChunk()
        }
        let bytes = chunk
        guard
            case .moved(let count) = try peer.socket.write(
                bytes.span.extracting(droppingFirst: offset))
        else { return false }
        offset += count
        return true
    }

    private func makeChunk() {
        chunk = (0..<min(65536, total - sent.count)).map { _ in
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: random >> 56)
        }
        offset = 0
        sent.add(chunk[...])
    }

    private func receive() throws -> Bool {
        switch try peer.socket.read(into: &buffer) {
        case .moved(let count):
            received.add(buffer[..<count])
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
        let far = BulkPeer(server, total: total, seed: 2, pause: 0)
        let near = BulkPeer(client, total: total, seed: 1, pause: pause)
        let limit = ContinuousClock.now + .seconds(60)
        while !(near.isDone && far.isDone), ContinuousClock.now < limit {
            let moved = [try near.step(), try far.step()]
            if !moved.contains(true) { usleep(100) }
        }
        #expect(near.sent.count == total && far.sent.count == total)
        #expect(far.received == near.sent)
        #expect(near.received == far.sent)
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
