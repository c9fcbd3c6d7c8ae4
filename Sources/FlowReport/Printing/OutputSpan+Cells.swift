// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import WireTypes

extension OutputSpan<UInt8> {
    /// Appends what `column` says about `flow`.
    mutating func append(
        cell column: FlowColumn, of flow: borrowing Flow, now: UInt64, style: CellStyle
    ) {
        switch column {
        case .client: append(address: flow.client, style)
        case .listener: append(name: flow.listener, style)
        case .serverName: append(name: flow.serverName ?? "", style)
        case .cluster: append(name: flow.cluster, style)
        case .endpoint: append(address: flow.endpoint, style)
        case .state: append(state: flow.state, style)
        case .age: append(duration: FlowQuantity.age.value(of: flow, now: now), style)
        case .idle: append(duration: FlowQuantity.idle.value(of: flow, now: now), style)
        case .upstreamBytes: append(bytes: flow.upstream.bytes, style)
        case .downstreamBytes: append(bytes: flow.downstream.bytes, style)
        case .upstreamPackets: append(count: flow.upstream.packets, style)
        case .downstreamPackets: append(count: flow.downstream.packets, style)
        case .mode: append(modeOf: flow, style)
        default: append(detail: column, of: flow, style: style)
        }
    }

    /// The columns that a table leaves out.
    private mutating func append(
        detail column: FlowColumn, of flow: borrowing Flow, style: CellStyle
    ) {
        switch column {
        case .relayReason: append(name: flow.relayReason?.rawValue ?? "", style)
        case .listenerAddress: append(address: flow.listenerAddress, style)
        case .balancer: append(address: flow.balancerAddress, style)
        case .created: append(decimal: flow.createdNanoseconds)
        case .lastSeen: append(decimal: flow.lastSeenNanoseconds)
        case .clientScale: append(scale: flow.clientScale, style)
        case .balancerScale: append(scale: flow.balancerScale, style)
        case .endpointScale: append(scale: flow.endpointScale, style)
        case .timestamps: append(flag: flow.hasTimestamps, style)
        case .selectiveAcknowledgements: append(flag: flow.hasSACK, style)
        default: append(translation: column, of: flow)
        }
    }

    private mutating func append(translation column: FlowColumn, of flow: borrowing Flow) {
        switch column {
        case .upstreamSequenceDelta: append(decimal: flow.upstream.sequenceDelta)
        case .upstreamAcknowledgementDelta: append(decimal: flow.upstream.acknowledgementDelta)
        case .upstreamTimestampValueDelta: append(decimal: flow.upstream.timestampValueDelta)
        case .upstreamTimestampEchoDelta: append(decimal: flow.upstream.timestampEchoDelta)
        case .upstreamWindowShift: append(decimal: flow.upstream.windowShift)
        case .upstreamIngressInterface: append(decimal: flow.upstream.ingressInterface)
        case .upstreamEgressInterface: append(decimal: flow.upstream.egressInterface)
        case .downstreamSequenceDelta: append(decimal: flow.downstream.sequenceDelta)
        case .downstreamAcknowledgementDelta: append(decimal: flow.downstream.acknowledgementDelta)
        case .downstreamTimestampValueDelta: append(decimal: flow.downstream.timestampValueDelta)
        case .downstreamTimestampEchoDelta: append(decimal: flow.downstream.timestampEchoDelta)
        case .downstreamWindowShift: append(decimal: flow.downstream.windowShift)
        case .downstreamIngressInterface: append(decimal: flow.downstream.ingressInterface)
        case .downstreamEgressInterface: append(decimal: flow.downstream.egressInterface)
        default: preconditionFailure("\(column) has no cell")
        }
    }

    private mutating func append(decimal value: UInt32) { append(decimal: UInt64(value)) }

    private mutating func appendNothing(_ style: CellStyle) {
        if style != .raw { append(UInt8(ascii: "-")) }
    }

    /// A relayed connection has no endpoint before it connects.
    private mutating func append(address: TransportAddress, _ style: CellStyle) {
        if address.port == 0, address.address.isUnspecified { return appendNothing(style) }
        append(address)
    }

    private mutating func append(name: String, _ style: CellStyle) {
        if name.isEmpty { return appendNothing(style) }
        style == .raw ? append(csv: name) : append(visible: name)
    }

    /// Seven columns must do in a table; a full word is what a filter takes.
    private mutating func append(state: FlowState, _ style: CellStyle) {
        switch state {
        case .established where style == .human: append(literal: "estab")
        case .connecting where style == .human: append(literal: "connect")
        default: append(literal: state.rawValue)
        }
    }

    private mutating func append(modeOf flow: borrowing Flow, _ style: CellStyle) {
        guard let reason = flow.relayReason else { return append(literal: "spliced") }
        append(literal: "relayed")
        if style == .raw { return }
        append(UInt8(ascii: ":"))
        append(literal: reason.rawValue)
    }

    private mutating func append(duration: UInt64, _ style: CellStyle) {
        switch style {
        case .human: append(humanDuration: duration)
        case .exact: append(secondsOf: duration)
        case .raw: append(decimal: duration)
        }
    }

    private mutating func append(bytes: UInt64, _ style: CellStyle) {
        style == .human ? append(humanBytes: bytes) : append(decimal: bytes)
    }

    private mutating func append(count: UInt64, _ style: CellStyle) {
        style == .human ? append(humanCount: count) : append(decimal: count)
    }

    private mutating func append(scale: UInt8?, _ style: CellStyle) {
        guard let scale else { return appendNothing(style) }
        append(decimal: UInt64(scale))
    }

    private mutating func append(flag: Bool, _ style: CellStyle) {
        if style == .raw { return append(literal: flag ? "true" : "false") }
        append(literal: flag ? "yes" : "no")
    }
}
