// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelSockets
import Testing

/// Commands, and the datagrams that the kernel sent for each.
private struct Capture {
    var datagrams: [String: [[UInt8]]] = [:]

    init() throws {
        let file = try #require(
            Bundle.module.url(
                forResource: "rtnetlink", withExtension: "txt", subdirectory: "Captures"))
        var command = ""
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("# ") {
                command = String(line.dropFirst(2))
            } else if !command.isEmpty {
                datagrams[command, default: []].append(try Self.bytes(line))
            }
        }
    }

    private static func bytes(_ hex: Substring) throws -> [UInt8] {
        let digits = try hex.map { try #require($0.hexDigitValue) }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] * 16 + digits[$0 + 1])
        }
    }

    func datagram(_ command: String) throws -> [UInt8] {
        try #require(datagrams[command]?.first)
    }
}

@Suite struct `Network changes` {
    private static let route = "ip route add 10.9.0.0/16 via 10.0.0.9 dev front"

    @Test(
        arguments: [
            ("ip link add front type veth peer name net0", .links),
            ("ip link set front up", .links),
            ("ip addr add 10.0.0.1/24 dev front", [.addresses, .routes]),
            ("ip -6 addr add fd00::1/64 dev front nodad", [.addresses, .routes]),
            (route, .routes),
            ("ip rule add from 10.0.0.1 lookup 100", .routes),
            ("ip -6 rule add from fd00::1 lookup 100", .routes),
            ("ip link set front down", .all),
            ("ip link set front name outside", [.links, .addresses]),
            ("ip addr flush dev outside", [.addresses, .routes]),
            ("ip link del outside", .links),
        ] as [(String, NetworkChanges)])
    func `are those that the kernel told of a command`(
        command: String, expected: NetworkChanges
    ) throws {
        let datagrams = try #require(Capture().datagrams[command])
        let changes = datagrams.map { NetworkChanges(reading: $0.span) }
        #expect(changes.reduce([]) { $0.union($1) } == expected)
    }

    @Test func `of several messages in one datagram are all of theirs`() throws {
        let capture = try Capture()
        let both =
            try capture.datagram("ip link del outside") + capture.datagram(Self.route)
        #expect(NetworkChanges(reading: both.span) == [.links, .routes])
        #expect(NetworkChanges(reading: [UInt8]().span).isEmpty)
    }

    /// Lengths need not be multiples of 4, the places of messages are.
    @Test func `are found behind a message that is padded`() throws {
        let odd: [UInt8] = [17, 0, 0, 0, 20, 0] + Array(repeating: 0, count: 11)
        let padded = try odd + [0, 0, 0] + Capture().datagram(Self.route)
        #expect(NetworkChanges(reading: padded.span) == [.addresses, .routes])
        #expect(NetworkChanges(reading: odd.span) == .addresses)
    }

    @Test func `of other kinds are none`() {
        // RTM_NEWNEIGH, and NLMSG_DONE.
        for type: UInt8 in [28, 3] {
            let message: [UInt8] = [16, 0, 0, 0, type] + Array(repeating: 0, count: 11)
            #expect(NetworkChanges(reading: message.span).isEmpty)
        }
    }

    @Test func `may be any when a datagram is cut anywhere, or a length lies`() throws {
        let whole = try Capture().datagram(Self.route)
        for length in 1..<whole.count {
            #expect(NetworkChanges(reading: whole.span.extracting(first: length)) == .all)
        }
        for length: UInt8 in [0, 1, 15, UInt8(whole.count) + 1, 255] {
            var lie = whole
            lie[0] = length
            #expect(NetworkChanges(reading: lie.span) == .all)
        }
    }

    @Test func `may be any when the kernel says that it lost some`() {
        let overrun: [UInt8] = [16, 0, 0, 0, 4] + Array(repeating: 0, count: 11)
        #expect(NetworkChanges(reading: overrun.span) == .all)
    }
}
