// SPDX-License-Identifier: Apache-2.0

import Glibc
@testable import KernelSockets
import WireTypes

let localhost = IPAddress(v4: 0x7f00_0001)

/// Waits for `condition`, looking every millisecond.
func eventually(within limit: Duration = .seconds(5), _ condition: () throws -> Bool) rethrows
    -> Bool
{
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try condition() { return true }
        usleep(1000)
    }
    return try condition()
}

/// A listening socket of an endpoint on loopback.
final class LocalEndpoint {
    let listening: ListeningSocket
    var address: TransportAddress { listening.address }

    init(on address: IPAddress = localhost) throws {
        listening = try ListeningSocket(on: TransportAddress(address, 0))
    }

    /// A port on which nobody listens.
    static func closedPort() throws -> TransportAddress { try LocalEndpoint().address }

    /// The next connection.
    func accept() throws -> Peer {
        var peer: Peer?
        _ = try eventually {
            switch try listening.accept() {
            case .client(let socket, _):
                peer = Peer(socket)
                return true
            case .nobody: return false
            }
        }
        guard let peer else { throw TestTimeout(waitingFor: "a connection") }
        return peer
    }

    /// Whether a connection waits to be accepted.
    func hasConnection() throws -> Bool {
        if case .client = try listening.accept() { return true }
        return false
    }
}

struct TestTimeout: Error {
    var waitingFor: String
}

/// How a stream of bytes ended.
enum StreamEnd: Equatable {
    case fin
    case failed(Int32)
    case open
}

/// One end of a connection, driven by a test: calls wait, up to five seconds.
final class Peer {
    var socket: TCPSocket

    init(_ socket: consuming TCPSocket) { self.socket = socket }

    /// Connects to a relay.
    static func connected(to address: TransportAddress) throws -> Peer {
        let peer = Peer(try TCPSocket.connecting(to: address))
        guard eventually({ peer.socket.peerAddress != nil }) else {
            throw TestTimeout(waitingFor: "connect")
        }
        return peer
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes.span
        while !rest.isEmpty {
            switch try socket.write(rest) {
            case .moved(let count): rest = rest.extracting(droppingFirst: count)
            default: usleep(200)
            }
        }
    }

    /// Sends one byte as urgent data.
    func sendUrgent(_ byte: UInt8) throws { try socket.writeUrgent(byte) }

    func sendEnd() throws { try socket.shutdownWriting() }

    /// Reads `count` bytes, less if the stream ends or five seconds pass without any.
    func receive(_ count: Int) throws -> String {
        String(decoding: try receiveBytes(count), as: UTF8.self)
    }

    func receiveBytes(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(count, 65536))
        var last = ContinuousClock.now
        while bytes.count < count, ContinuousClock.now - last < .seconds(5) {
            switch try socket.read(into: &buffer, atMost: count - bytes.count) {
            case .moved(let number):
                bytes += buffer[..<number]
                last = .now
            case .wouldBlock: usleep(200)
            case .ended: return bytes
            }
        }
        return bytes
    }

    /// Reads up to the end, and tells how it ended.
    func receiveAll(_ limit: Duration = .seconds(5)) -> (bytes: [UInt8], end: StreamEnd) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            do throws(SocketError) {
                switch try socket.read(into: &buffer) {
                case .moved(let number): bytes += buffer[..<number]
                case .wouldBlock: usleep(200)
                case .ended: return (bytes, .fin)
                }
            } catch {
                return (bytes, .failed(error.code))
            }
        }
        return (bytes, .open)
    }
}

extension TCPSocket {
    fileprivate func writeUrgent(_ byte: UInt8) throws {
        var byte = byte
        // The kernel copies the byte during the call.
        let count = unsafe Glibc.send(descriptor.rawValue, &byte, 1, Int32(MSG_OOB))
        guard count == 1 else { throw SocketError.last("send") }
    }
}
