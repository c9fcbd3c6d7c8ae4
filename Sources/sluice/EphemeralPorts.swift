// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging

/// Ports that the kernel gives to the host's own sockets as it likes: health checks, relayed
/// connections, everything else (ip_local_port_range and ip_local_reserved_ports of ip-sysctl).
struct EphemeralPorts {
    let range: ClosedRange<UInt16>
    let reserved: [ClosedRange<UInt16>]

    /// Of this network namespace; nil: the kernel does not say.
    init?() {
        let words = { (name: String) in
            (try? String(contentsOfFile: "/proc/sys/net/ipv4/\(name)", encoding: .utf8))?
                .split { " \t\n,".contains($0) } ?? []
        }
        let ends = words("ip_local_port_range").compactMap { UInt16($0) }
        guard ends.count == 2, ends[0] <= ends[1] else { return nil }
        range = ends[0]...ends[1]
        reserved = words("ip_local_reserved_ports").compactMap { word in
            let ends = word.split(separator: "-").compactMap { UInt16($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return nil }
            return first...last
        }
    }

    /// Whether a socket may get a port of these.
    func mayGive(anyOf ports: [ClosedRange<UInt16>]) -> Bool {
        ports.contains { ours in
            var next = max(ours.lowerBound, range.lowerBound)
            let last = min(ours.upperBound, range.upperBound)
            while next <= last {
                guard let block = reserved.first(where: { $0.contains(next) }) else { return true }
                if block.upperBound >= last { break }
                next = block.upperBound + 1
            }
            return false
        }
    }

    /// Says that sockets of the host would meet splices of the same ports.
    func warn(of ports: [ClosedRange<UInt16>], _ logger: Logger) {
        guard mayGive(anyOf: ports) else { return }
        let text = { (range: ClosedRange<UInt16>) in "\(range.lowerBound)-\(range.upperBound)" }
        logger.warning(
            "the kernel may give ports of \"source\" to other sockets, whose connections to endpoints then fail now and then: write others, or reserve these",
            metadata: [
                "net.ipv4.ip_local_port_range": "\(range.lowerBound) \(range.upperBound)",
                "net.ipv4.ip_local_reserved_ports":
                    "\(ports.map(text).joined(separator: ",")), to be added",
            ])
    }
}
