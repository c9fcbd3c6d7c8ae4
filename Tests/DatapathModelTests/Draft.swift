// SPDX-License-Identifier: Apache-2.0

@testable import DatapathModel

/// A packet as fields, from which lies are told afterwards.
struct Draft {
    var link = Link.ethernet
    var tuple: Tuple
    var timeToLive: UInt8 = 64
    /// IPv4 options, or whole IPv6 extension headers from `firstHeader` on.
    var front: [UInt8] = []
    var firstHeader: UInt8 = 6
    var sequence: UInt32 = 0
    var acknowledgement: UInt32 = 0
    var flags: UInt8 = 16
    var window: UInt16 = 0
    var urgent: UInt16 = 0
    var options: [UInt8] = []
    var payload: [UInt8] = []

    init(_ tuple: Tuple) { self.tuple = tuple }

    var isIPv6: Bool { !tuple.source.isIPv4 }
    var ip: Int { link == .ethernet ? 14 : 0 }
    var tcp: Int { ip + (isIPv6 ? 40 : 20) + front.count }

    /// Right lengths and checksums.
    var bytes: [UInt8] {
        let size = tcp + 20 + options.count + payload.count
        var bytes = [UInt8](repeating: 0, count: size)
        if link == .ethernet {
            bytes.put([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], at: 0)
            bytes.put(isIPv6 ? 0x86dd : 0x0800 as UInt16, at: 12)
        }
        if isIPv6 { putIPv6(&bytes) } else { putIPv4(&bytes) }
        putTCP(&bytes)
        return bytes
    }

    private func putIPv4(_ bytes: inout [UInt8]) {
        bytes[ip] = 0x40 | UInt8((20 + front.count) / 4)
        bytes.put(UInt16(bytes.count - ip), at: ip + 2)
        bytes.put(0xbeef_4000 as UInt32, at: ip + 4)
        bytes[ip + 8] = timeToLive
        bytes[ip + 9] = 6
        bytes.put(tuple.source.v4, at: ip + 12)
        bytes.put(tuple.destination.v4, at: ip + 16)
        bytes.put(front, at: ip + 20)
        var sum = WordSum()
        sum.add(bytes, ip..<ip + 20 + front.count)
        bytes.put(sum.checksum, at: ip + 10)
    }

    private func putIPv6(_ bytes: inout [UInt8]) {
        bytes.put(0x6001_2345 as UInt32, at: ip)
        bytes.put(UInt16(bytes.count - ip - 40), at: ip + 4)
        bytes[ip + 6] = firstHeader
        bytes[ip + 7] = timeToLive
        bytes.put(tuple.source, at: ip + 8)
        bytes.put(tuple.destination, at: ip + 24)
        bytes.put(front, at: ip + 40)
    }

    private func putTCP(_ bytes: inout [UInt8]) {
        bytes.put(tuple.sourcePort, at: tcp)
        bytes.put(tuple.destinationPort, at: tcp + 2)
        bytes.put(sequence, at: tcp + 4)
        bytes.put(acknowledgement, at: tcp + 8)
        bytes[tcp + 12] = UInt8((20 + options.count) / 4) << 4
        bytes[tcp + 13] = flags
        bytes.put(window, at: tcp + 14)
        bytes.put(urgent, at: tcp + 18)
        bytes.put(options, at: tcp + 20)
        bytes.put(payload, at: tcp + 20 + options.count)
        var sum = WordSum()
        sum.add(tuple.source)
        sum.add(tuple.destination)
        sum.add(UInt32(bytes.count - tcp))
        sum.add(6 as UInt16)
        sum.add(bytes, tcp..<bytes.count)
        bytes.put(sum.checksum, at: tcp + 16)
    }
}
