// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import WireTypes

@testable import Datapath
@testable import Splicing

/// What the fake kernel did, for the test to look at: a dictionary for the flow table.
final class KernelTable {
    var rows: [FlowTuple: SpliceRow] = [:]
    var stored: [[UInt8]] = []
    /// Whether others have taken the place of what was stored.
    var isOverwritten = false
    /// Written splices and sent segments, each in its order.
    var written: [Splice] = []
    var sent: [Segment] = []
    /// Whether the flow table refuses what is written.
    var isFull = false
    /// What the datapath does by itself: names in the order learned, and ports laid out by slot.
    var known: [(name: ServerName, listener: UInt16, isIPv4: Bool, route: KnownRoute)] = []
    var slots: [Int: (endpoint: TransportAddress, source: IPAddress)] = [:]
    var laid: [Int: [UInt16]] = [:]
    var hidesNames = false

    var syns: [Segment] { sent.filter { $0.flags == .syn } }
    var resets: [Segment] { sent.filter { $0.flags == .reset } }

    fileprivate var batch: [Splice] = []
    fileprivate var queue: [Segment] = []

    /// The datapath moves both directions, or one, of a splice to a state.
    func set(
        _ splice: Splice, _ state: flow_state, upstream: Bool = true, downstream: Bool = true,
        flags: (up: UInt32, down: UInt32)? = nil
    ) {
        if upstream {
            var entry = splice.upstreamEntry
            entry.state = UInt8(state.rawValue)
            if let flags { entry.flags = flags.up }
            rows[splice.client] = SpliceRow(splice.client.abi, entry)
        }
        if downstream {
            var entry = splice.downstreamEntry
            entry.state = UInt8(state.rawValue)
            if let flags { entry.flags = flags.down }
            let key = splice.upstream.reversed
            rows[key] = SpliceRow(key.abi, entry)
        }
    }

    /// The datapath deletes both rows: a SYN of the client began anew.
    func delete(_ splice: Splice) { delete(splice.upstream, splice.client) }

    func delete(_ upstream: FlowTuple, _ client: FlowTuple) {
        rows[client] = nil
        rows[upstream.reversed] = nil
    }
}

/// Defers writes and sends to `flush`, as the real one does.
struct FakeKernel: ~Copyable, SplicingKernel {
    let table: KernelTable

    mutating func store(hello: Span<UInt8>, segmentSize: Int) -> TemplateReference {
        table.stored.append(hello.indices.map { hello[$0] })
        var reference = TemplateReference()
        reference.slot = UInt32(table.stored.count)
        reference.segments = UInt16((hello.count + segmentSize - 1) / segmentSize)
        reference.length = UInt32(hello.count)
        return reference
    }

    func stored(_ reference: TemplateReference, count: Int) -> [UInt8]? {
        guard !table.isOverwritten, reference.slot > 0, reference.segments > 0 else { return nil }
        let hello = table.stored[Int(reference.slot) - 1]
        return count <= hello.count ? Array(hello[..<count]) : nil
    }

    mutating func program(_ splice: Splice) { table.batch.append(splice) }

    mutating func learn(
        _ name: ServerName, listener: UInt16, isIPv4: Bool, _ route: KnownRoute
    ) {
        table.known.append((name, listener, isIPv4, route))
    }

    mutating func forgetNames() {
        table.known = []
        table.hidesNames = false
    }

    var hidesNames: Bool { table.hidesNames }

    mutating func use(slot: Int, for endpoint: TransportAddress, from source: IPAddress) {
        table.slots[slot] = (endpoint, source)
    }

    func portsLeft(slot: Int) -> Int { table.laid[slot]?.count ?? 0 }

    mutating func lay(_ port: UInt16, slot: Int) { table.laid[slot, default: []].append(port) }

    mutating func takeLaidPort(slot: Int) -> UInt16? {
        guard let port = table.laid[slot]?.first else { return nil }
        table.laid[slot]?.removeFirst()
        return port
    }

    mutating func send(_ segment: Segment) { table.queue.append(segment) }

    mutating func sendNow(_ segment: Segment) { table.sent.append(segment) }

    mutating func flush() -> Bool {
        defer {
            table.batch = []
            table.queue = []
        }
        if table.isFull, !table.batch.isEmpty { return false }
        for splice in table.batch { table.set(splice, FLOW_CONNECTING) }
        table.written += table.batch
        table.sent += table.queue
        return true
    }

    mutating func remove(client: FlowTuple, upstream: FlowTuple, createdNanoseconds: UInt64) {
        for key in [client, upstream.reversed]
        where table.rows[key]?.createdNanoseconds == createdNanoseconds { table.rows[key] = nil }
    }

    mutating func end(_ splices: inout [LingeredSplice]) {
        splices = splices.filter { splice in
            guard let down = downstreamRow(of: splice.upstream) else { return true }
            guard down.createdNanoseconds == splice.createdNanoseconds else { return false }
            if down.state != .reset, down.state != .closed,
                let up = upstreamRow(of: down.client),
                up.createdNanoseconds == splice.createdNanoseconds, up.state != .reset
            {
                return false
            }
            table.delete(splice.upstream, down.client)
            return true
        }
    }

    func upstreamRow(of client: FlowTuple) -> SpliceRow? { table.rows[client] }

    func downstreamRow(of upstream: FlowTuple) -> SpliceRow? { table.rows[upstream.reversed] }
}
