// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
@testable import Datapath
@testable import DatapathModel
import DatapathTesting
import Glibc
@testable import KernelBPF
import WireTypes

/// A hello in a slot of the datapath's own.
struct StoredSegment: Equatable {
    var bytes: [UInt8]
    /// Its one's complement sum, in network byte order.
    var sum: UInt16
}

extension StoredSegment {
    /// What there must be of a hello.
    init(of hello: [UInt8]) {
        var words = WordSum()
        words.add(hello, hello.indices)
        self.init(bytes: hello, sum: words.folded)
    }
}

extension Trial {
    /// Keys of the rows that known names may bring about.
    var routedKeys: [Tuple] {
        let address = handshakes.address?.0
        guard !names.targets.isEmpty,
            let family = Family.all.first(where: { $0.client.destination == address })
        else { return [] }
        return [family.client]
            + names.targets.flatMap { target in
                target.ports.map { target.way(from: $0).reversed }
            }
    }
}

extension KernelSide {
    /// Lays out ports and learns names, none of which is of the trial before.
    func prepareNames(_ trial: Trial) throws {
        hadNames = !trial.names.targets.isEmpty
        for key in bench.datapath.knownNames.keys() { bench.datapath.knownNames.remove(key) }
        for slot in 0..<2 { while names.takePort(slot) != nil {} }
        for (slot, target) in trial.names.targets.enumerated() {
            names.use(
                slot, for: TransportAddress(target.address.ip, target.port),
                from: target.source.ip)
            for port in target.ports { names.lay(port, slot: slot) }
        }
        for (name, route) in trial.names.routes { try learn(name, route) }
        if trial.forgetsNames { names.forget() }
    }

    private func learn(_ name: RoutedName, _ route: NameRoute) throws {
        let text = String(decoding: name.text, as: UTF8.self)
        guard let known = ServerName(text) else { preconditionFailure(text) }
        try names.learn(
            known, listener: name.listener, isIPv4: !name.isIPv6,
            KnownRoute(
                slot: route.target, cluster: route.cluster, endpoint: route.endpoint,
                segmentSize: route.segmentSize, serverName: route.serverName))
    }

    func readNames(_ trial: Trial, _ outcome: inout KernelOutcome) {
        outcome.end = exactClock()
        outcome.portsLeft = trial.names.targets.indices.map { names.portsLeft($0) }
        for key in trial.routedKeys where !trial.rows.contains(where: { $0.key == key }) {
            guard let row = read(key) else { continue }
            outcome.routed[key] = row
            outcome.clock = row.created_ns
            if row.template_segments > 0 { outcome.hello = stored(row) }
        }
    }

    /// What lies in the slots that a row names, of those that the datapath writes.
    private func stored(_ row: flow_entry) -> [StoredSegment] {
        (0..<Int(row.template_segments)).compactMap { segment in
            stored(
                Int(row.template_slot) + segment,
                stamp: row.template_stamp &+ 2 * UInt32(segment))
        }
    }

    private func stored(_ slot: Int, stamp expected: UInt32) -> StoredSegment? {
        let own = Int(TEMPLATES_MAX) - Int(TEMPLATES_OWN)..<Int(TEMPLATES_MAX)
        guard own.contains(slot) else { return nil }
        return bench.datapath.templates.withElement(slot) { element in
            // Offsets are those of hello_template, asserted in datapath_abi.c.
            let stamp = unsafe element.bytes.unsafeLoad(fromByteOffset: 0, as: UInt32.self)
            let length = unsafe element.bytes.unsafeLoad(fromByteOffset: 4, as: UInt32.self)
            let sum = unsafe element.bytes.unsafeLoad(fromByteOffset: 8, as: UInt32.self)
            guard stamp == expected, stamp & 1 == 0, length <= TEMPLATE_PAYLOAD_MAX
            else { return nil }
            // Inside the element: length is bounded by its payload's size.
            let bytes = unsafe element.withUnsafeMutableBytes { bytes in
                unsafe [UInt8](bytes[16..<16 + Int(length)])
            }
            // Summed as the words lie in memory, and not folded.
            let rest = sum % 0xffff
            let folded = UInt16(rest == 0 ? 0xffff : rest)
            return StoredSegment(bytes: bytes, sum: UInt16(bigEndian: folded))
        }
    }
}

extension KernelSide {
    /// Rows of a client that was taken to its endpoint, its hello, and ports.
    func nameDifferences(_ comparison: Comparison) -> [String] {
        let (world, kernel) = (comparison.world, comparison.kernel)
        var found: [String] = []
        for key in comparison.trial.routedKeys
        where !comparison.trial.rows.contains(where: { $0.key == key }) {
            let row = world.row(of: key)
            let actual = withoutTemplate(kernel.routed[key], row)
            if let what = difference(row, -1, actual, comparison) {
                found.append("routed \(key)" + what)
            }
            if let row, row.handover.segmentCount > 0,
                kernel.hello != row.handover.segments.map({ StoredSegment(of: $0) })
            {
                found.append("template")
            }
        }
        if world.names.targets.map(\.ports.count) != kernel.portsLeft { found.append("ports") }
        // The row says when it was made, but not anything.
        if kernel.clock != 0, kernel.clock < kernel.times.0 || kernel.clock > kernel.end {
            found.append("moment")
        }
        return found
    }

    /// Where the hello lies is the datapath's affair.
    private func withoutTemplate(_ entry: flow_entry?, _ row: Row?) -> flow_entry? {
        guard var entry, let count = row?.handover.segmentCount, count > 0,
            count == entry.template_segments
        else { return entry }
        entry.template_slot = 0
        entry.template_stamp = 0
        entry.template_segments = 0
        return entry
    }
}

/// CLOCK_MONOTONIC: what bpf_ktime_get_ns() reads.
private func exactClock() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
