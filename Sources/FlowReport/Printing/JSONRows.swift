// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import WireTypes

/// Flows as JSON (RFC 8259); `flows.schema.json` tells the shape, which only ever grows.
struct JSONRows {
    /// Goes up when a field changes its meaning or goes away.
    static let formatVersion: UInt64 = 1

    private let text = Text()

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
        output.append(text.createdNs)
        output.append(decimal: flow.createdNanoseconds)
        output.append(text.lastSeenNs)
        output.append(decimal: flow.lastSeenNanoseconds)
        output.append(text.ageNs)
        output.append(decimal: FlowQuantity.age.value(of: flow, now: now))
        output.append(text.idleNs)
        output.append(decimal: FlowQuantity.idle.value(of: flow, now: now))
        output.append(text.upstreamBytes)
        append(flow.upstream, &output)
        output.append(text.downstreamBytes)
        append(flow.downstream, &output)
        output.append(text.clientScale)
        append(scale: flow.clientScale, &output)
        output.append(text.balancerScale)
        append(scale: flow.balancerScale, &output)
        output.append(text.endpointScale)
        append(scale: flow.endpointScale, &output)
        output.append(text.timestamps)
        output.append(flow.hasTimestamps ? text.yes : text.no)
        output.append(text.sack)
        output.append(flow.hasSACK ? text.yes : text.no)
        output.append(UInt8(ascii: "}"))
    }

    private func appendNames(_ flow: borrowing Flow, _ output: inout OutputSpan<UInt8>) {
        output.append(text.client)
        append(flow.client, &output)
        output.append(text.listener)
        output.append(json: flow.listener)
        output.append(text.listenerAddress)
        append(flow.listenerAddress, &output)
        output.append(text.serverName)
        append(flow.serverName, &output)
        output.append(text.cluster)
        output.append(json: flow.cluster)
        output.append(text.balancer)
        append(flow.balancerAddress, &output)
        output.append(text.endpoint)
        append(flow.endpoint, &output)
        output.append(text.state)
        output.append(literal: flow.state.rawValue)
        output.append(flow.relayReason == nil ? text.modeSpliced : text.modeRelayed)
        output.append(text.relayReason)
        append(flow.relayReason?.rawValue, &output)
    }

    private func append(_ direction: borrowing FlowDirection, _ output: inout OutputSpan<UInt8>) {
        output.append(decimal: direction.bytes)
        output.append(text.retransmittedBytes)
        output.append(decimal: direction.retransmittedBytes)
        output.append(text.packets)
        output.append(decimal: direction.packets)
        output.append(text.sequenceDelta)
        output.append(decimal: UInt64(direction.sequenceDelta))
        output.append(text.acknowledgementDelta)
        output.append(decimal: UInt64(direction.acknowledgementDelta))
        output.append(text.timestampValueDelta)
        output.append(decimal: UInt64(direction.timestampValueDelta))
        output.append(text.timestampEchoDelta)
        output.append(decimal: UInt64(direction.timestampEchoDelta))
        output.append(text.windowShift)
        output.append(decimal: direction.windowShift)
        output.append(text.ingressInterface)
        output.append(decimal: UInt64(direction.ingressInterface))
        output.append(text.egressInterface)
        output.append(decimal: UInt64(direction.egressInterface))
    }

    private func append(_ address: TransportAddress, _ output: inout OutputSpan<UInt8>) {
        if address.port == 0, address.address.isUnspecified {
            return output.append(text.null)
        }
        output.append(UInt8(ascii: "\""))
        output.append(address)
        output.append(UInt8(ascii: "\""))
    }

    private func append(_ name: String?, _ output: inout OutputSpan<UInt8>) {
        guard let name else { return output.append(text.null) }
        output.append(json: name)
    }

    private func append(scale: UInt8?, _ output: inout OutputSpan<UInt8>) {
        guard let scale else { return output.append(text.null) }
        output.append(decimal: UInt64(scale))
    }
}
