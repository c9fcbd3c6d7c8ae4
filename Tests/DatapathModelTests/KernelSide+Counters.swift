// SPDX-License-Identifier: Apache-2.0

import CLibBPF
@testable import Datapath
import DatapathModel
import DatapathTesting
import KernelBPF
import WireTypes

extension KernelSide {
    /// All counters, by one system call.
    func counters() -> [UInt64] {
        let count = Counter.allCases.count
        let cpus = possibleCPUs
        var keys = [UInt32](repeating: 0, count: count)
        var values = [UInt64](repeating: 0, count: count * cpus)
        var found = UInt32(count)
        var position: UInt32 = 0
        // The kernel writes `count` keys and as many values for each CPU, and a position.
        let status = unsafe bpf_map_lookup_batch(
            bench.datapath.counters.number, nil, &position, &keys, &values, &found, nil)
        precondition(status == 0 || status == -2, "cannot read the counters: \(status)")
        return (0..<count).map { index in
            values[index * cpus..<(index + 1) * cpus].reduce(0, &+)
        }
    }

    /// Compares what the daemon heard with what it should have, ring by ring.
    func recordDifference(_ expected: [Record]) -> String? {
        let told = bench.records()
        let (hellos, flows) = (told.hellos, told.flows)
        var events: [String] = []
        var bytes: [String] = []
        for wakes in [false, true] {
            for case .event(let event, let client, let created, let sequence, let ack) in expected
            where event.wakes == wakes {
                events.append("\(event) \(text(client)) \(created) \(sequence) \(ack)")
            }
        }
        for case .hello(let hello) in expected {
            bytes.append(
                "\(text(hello.client)) \(hello.created) \(hello.sequence) \(hello.timestamp) "
                    + "\(hello.timestampEcho) \(hello.window) \(hello.bytes)")
        }
        let heard = flows.map {
            "\($0.kind) \(text($0.client)) \($0.createdNanoseconds) \($0.sequence) "
                + "\($0.acknowledgement)"
        }
        let read = hellos.map {
            "\(text($0.record.tuple)) \($0.record.createdNanoseconds) \($0.record.sequence) "
                + "\($0.record.timestamp) \($0.record.timestampEcho) "
                + "\($0.record.window) \($0.bytes)"
        }
        if events != heard { return "records: model \(events), kernel \(heard)" }
        if bytes != read { return "hellos: model \(bytes), kernel \(read)" }
        return openedDifference(expected, told.opened)
    }

    private func openedDifference(_ expected: [Record], _ heard: [OpenedRecord]) -> String? {
        var told: [String] = []
        for case .opened(let flow) in expected { told.append(text(flow)) }
        let read = heard.map { text($0) }
        return told == read ? nil : "opened: model \(told), kernel \(read)"
    }

    private func text(_ flow: Record.Opened) -> String {
        "\(text(flow.client)) \(text(flow.upstream)) \(flow.created) \(flow.isn) "
            + "\(flow.clientISN) \(flow.cookie) \(flow.timestamp) "
            + "\(flow.timestampEcho) \(flow.window) \(flow.length) \(flow.cluster) \(flow.endpoint)"
    }

    /// Numbers of a SYN that was not sent have no meaning.
    private func text(_ flow: OpenedRecord) -> String {
        let isFlow = flow.createdNanoseconds > 0
        return "\(text(flow.client)) \(text(flow.upstream)) \(flow.createdNanoseconds) "
            + "\(isFlow ? flow.isn : 0) \(flow.note.clientISN) \(flow.note.cookie) "
            + "\(flow.clientTimestamp) \(flow.clientTimestampEcho) \(flow.clientWindow) \(flow.template.length) \(flow.cluster) \(flow.endpoint)"
    }

    private func text(_ tuple: Tuple) -> String {
        "\(tuple.source.high) \(tuple.source.low) \(tuple.sourcePort) "
            + "\(tuple.destination.high) \(tuple.destination.low) \(tuple.destinationPort)"
    }

    private func text(_ tuple: FlowTuple) -> String {
        "\(tuple.source.address.high) \(tuple.source.address.low) \(tuple.source.port) "
            + "\(tuple.destination.address.high) \(tuple.destination.address.low) "
            + "\(tuple.destination.port)"
    }
}
