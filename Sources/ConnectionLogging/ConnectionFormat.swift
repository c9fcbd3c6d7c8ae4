// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import Synchronization
internal import WireTypes

/// Names of listeners and clusters by the ids that flows carry. Ids outlive a configuration, and so
/// do names here.
public final class ConnectionNames: Sendable {
    private struct Names {
        var listeners: [UInt16: String] = [:]
        var clusters: [UInt16: String] = [:]
    }

    private let names = Mutex(Names())

    /// No names.
    public init() {}

    /// Knows these as well from now on.
    public func add(listeners: [UInt16: String], clusters: [UInt16: String]) {
        names.withLock { names in
            names.listeners.merge(listeners) { $1 }
            names.clusters.merge(clusters) { $1 }
        }
    }

    func listener(_ id: UInt16) -> String { names.withLock { $0.listeners[id] } ?? "\(id)" }

    func cluster(_ id: UInt16) -> String { names.withLock { $0.clusters[id] } ?? "\(id)" }
}

/// Turns records into lines. What is not known is left out.
struct ConnectionFormat {
    let names: ConnectionNames
    /// The name with an id in the datapath.
    let serverName: @Sendable (UInt32) -> String?
    /// Milliseconds since 1970 when CLOCK_MONOTONIC was 0.
    var epochMilliseconds: Int64 = 0

    /// Calendars may be set; lines go by what they say when they are written.
    mutating func follow(wall: UInt64, monotonic: UInt64) {
        epochMilliseconds = (Int64(clamping: wall) - Int64(clamping: monotonic)) / 1_000_000
    }

    func append(_ record: ConnectionRecord, to line: inout JSONLine) {
        let facts = record.facts
        line.begin()
        let ended = epochMilliseconds + Int64(clamping: record.ended / 1_000_000)
        line.add("time", WallTime(milliseconds: ended).description)
        line.add("client", record.client.source.description)
        line.add("listener", names.listener(record.listener))
        line.add("listener_address", record.client.destination.description)
        line.add("server_name", facts.serverName?.text ?? knownName(record))
        line.add("alpn", facts.protocols)
        if facts.hasECH { line.add("ech", "outer") }
        line.add("rule", facts.rule?.text)
        switch record.mode {
        case .spliced: line.add("mode", "spliced")
        case .relayed(let reason):
            line.add("mode", "relayed")
            line.add("relay_reason", reason.rawValue)
        case .rejected:
            line.add("mode", "rejected")
        }
        line.add("reject_reason", facts.rejection?.rawValue)
        line.add("cluster", record.cluster.map(names.cluster))
        line.add("endpoint", record.upstream?.destination.description)
        line.add("balancer", record.upstream?.source.description)
        if facts.attempts > 1 { line.add("attempts", facts.attempts) }
        let hasPackets = record.mode == .spliced
        append(record.sent, as: "upstream", hasPackets: hasPackets, to: &line)
        append(record.received, as: "downstream", hasPackets: hasPackets, to: &line)
        line.add("classify_us", facts.classifyMicroseconds)
        line.add("connect_us", facts.connectMicroseconds)
        line.add("handoff_us", facts.handoffMicroseconds)
        if facts.began > 0, record.ended >= facts.began {
            line.add("total_ms", (record.ended - facts.began) / 1_000_000)
        }
        line.add("end", record.end.rawValue)
        line.end()
    }

    private func knownName(_ record: ConnectionRecord) -> String? {
        record.serverNameID == 0 ? nil : serverName(record.serverNameID)
    }

    /// As `flowdump -o json` has it. The relay sees no packets.
    private func append(
        _ totals: FlowTotals?, as name: StaticString, hasPackets: Bool, to line: inout JSONLine
    ) {
        guard let totals else { return }
        line.addObject(name) { line in
            line.add("bytes", totals.bytes)
            guard hasPackets else { return }
            line.add("retransmitted_bytes", totals.retransmittedBytes)
            line.add("packets", totals.packets)
        }
    }
}
