// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import WireTypes

/// Flows as JSON (RFC 8259); `flows.schema.json` tells the shape, which only ever grows.
struct JSONRows {
    /// Goes up when a field changes its meaning or goes away.
    static let formatVersion: UInt64 = 1

    func begin(instance: String, now: UInt64, _ output: inout OutputSpan<UInt8>) {
        output.append(literal: #"{"format_version":"#)
        output.append(decimal: Self.formatVersion)
        output.append(literal: #","instance":"#)
        output.append(json: instance)
        output.append(literal: #","now_ns":"#)
        output.append(decimal: now)
        output.append(literal: #","flows":["#)
    }

    func end(count: Int, _ output: inout OutputSpan<UInt8>) {
        output.append(literal: "\n],\"count\":")
        output.append(decimal: count)
        output.append(literal: "}\n")
    }

    /// Writes one flow as an object.
    func print(
        _ flow: borrowing Flow, now: UInt64, before: String = "", after: String = "",
        _ output: inout OutputBuffer
    ) throws {
        try output.write(atMost: flow.rowLimit) { span in
            span.append(literal: before)
            append(flow, now: now, &span)
            span.append(literal: after)
        }
    }

    private func append(_ flow: borrowing Flow, now: UInt64, _ output: inout OutputSpan<UInt8>) {
        appendNames(flow, &output)
        output.append(literal: #","created_ns":"#)
        output.append(decimal: flow.createdNanoseconds)
        output.append(literal: #","last_seen_ns":"#)
        output.append(decimal: flow.lastSeenNanoseconds)
        output.append(literal: #","age_ns":"#)
        output.append(decimal: FlowQuantity.age.value(of: flow, now: now))
        output.append(literal: #","idle_ns":"#)
        output.append(decimal: FlowQuantity.idle.value(of: flow, now: now))
        output.append(literal: #","upstream":{"bytes":"#)
        append(flow.upstream, &output)
        output.append(literal: #"},"downstream":{"bytes":"#)
        append(flow.downstream, &output)
        output.append(literal: #"},"client_scale":"#)
        append(scale: flow.clientScale, &output)
        output.append(literal: #","balancer_scale":"#)
        append(scale: flow.balancerScale, &output)
        output.append(literal: #","endpoint_scale":"#)
        append(scale: flow.endpointScale, &output)
        output.append(
            literal: flow.hasTimestamps ? #","timestamps":true"# : #","timestamps":false"#)
        output.append(literal: flow.hasSACK ? #","sack":true}"# : #","sack":false}"#)
    }

    private func appendNames(_ flow: borrowing Flow, _ output: inout OutputSpan<UInt8>) {
        output.append(literal: #"{"client":"#)
        append(flow.client, &output)
        output.append(literal: #","listener":"#)
        output.append(json: flow.listener)
        output.append(literal: #","listener_address":"#)
        append(flow.listenerAddress, &output)
        output.append(literal: #","server_name":"#)
        append(flow.serverName, &output)
        output.append(literal: #","cluster":"#)
        output.append(json: flow.cluster)
        output.append(literal: #","balancer":"#)
        append(flow.balancerAddress, &output)
        output.append(literal: #","endpoint":"#)
        append(flow.endpoint, &output)
        output.append(literal: #","state":""#)
        output.append(literal: flow.state.rawValue)
        output.append(
            literal: flow.relayReason == nil ? #"","mode":"spliced""# : #"","mode":"relayed""#)
        output.append(literal: #","relay_reason":"#)
        append(flow.relayReason?.rawValue, &output)
    }

    private func append(_ direction: borrowing FlowDirection, _ output: inout OutputSpan<UInt8>) {
        output.append(decimal: direction.bytes)
        output.append(literal: #","packets":"#)
        output.append(decimal: direction.packets)
        output.append(literal: #","sequence_delta":"#)
        output.append(decimal: UInt64(direction.sequenceDelta))
        output.append(literal: #","acknowledgement_delta":"#)
        output.append(decimal: UInt64(direction.acknowledgementDelta))
        output.append(literal: #","timestamp_value_delta":"#)
        output.append(decimal: UInt64(direction.timestampValueDelta))
        output.append(literal: #","timestamp_echo_delta":"#)
        output.append(decimal: UInt64(direction.timestampEchoDelta))
        output.append(literal: #","window_shift":"#)
        output.append(decimal: direction.windowShift)
        output.append(literal: #","ingress_interface":"#)
        output.append(decimal: UInt64(direction.ingressInterface))
        output.append(literal: #","egress_interface":"#)
        output.append(decimal: UInt64(direction.egressInterface))
    }

    private func append(_ address: TransportAddress, _ output: inout OutputSpan<UInt8>) {
        if address.port == 0, address.address.isUnspecified {
            return output.append(literal: "null")
        }
        output.append(UInt8(ascii: "\""))
        output.append(address)
        output.append(UInt8(ascii: "\""))
    }

    private func append(_ text: String?, _ output: inout OutputSpan<UInt8>) {
        guard let text else { return output.append(literal: "null") }
        output.append(json: text)
    }

    private func append(scale: UInt8?, _ output: inout OutputSpan<UInt8>) {
        guard let scale else { return output.append(literal: "null") }
        output.append(decimal: UInt64(scale))
    }
}
