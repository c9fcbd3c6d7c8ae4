// SPDX-License-Identifier: Apache-2.0

/// A column of a listing. The raw value is its name in CSV, which stays the same over releases.
public enum FlowColumn: String, Sendable, CaseIterable {
    // The columns of a table.
    case client
    case listener
    case serverName = "server_name"
    case cluster
    case endpoint
    case state
    case age = "age_ns"
    case idle = "idle_ns"
    case upstreamBytes = "upstream_bytes"
    case downstreamBytes = "downstream_bytes"
    case upstreamPackets = "upstream_packets"
    case downstreamPackets = "downstream_packets"
    case mode
    // What wide and CSV add.
    case relayReason = "relay_reason"
    case listenerAddress = "listener_address"
    case balancer
    case created = "created_ns"
    case lastSeen = "last_seen_ns"
    case upstreamSequenceDelta = "upstream_sequence_delta"
    case upstreamAcknowledgementDelta = "upstream_acknowledgement_delta"
    case upstreamTimestampValueDelta = "upstream_timestamp_value_delta"
    case upstreamTimestampEchoDelta = "upstream_timestamp_echo_delta"
    case upstreamWindowShift = "upstream_window_shift"
    case upstreamIngressInterface = "upstream_ingress_interface"
    case upstreamEgressInterface = "upstream_egress_interface"
    case downstreamSequenceDelta = "downstream_sequence_delta"
    case downstreamAcknowledgementDelta = "downstream_acknowledgement_delta"
    case downstreamTimestampValueDelta = "downstream_timestamp_value_delta"
    case downstreamTimestampEchoDelta = "downstream_timestamp_echo_delta"
    case downstreamWindowShift = "downstream_window_shift"
    case downstreamIngressInterface = "downstream_ingress_interface"
    case downstreamEgressInterface = "downstream_egress_interface"
    case clientScale = "client_scale"
    case balancerScale = "balancer_scale"
    case endpointScale = "endpoint_scale"
    case timestamps
    case selectiveAcknowledgements = "sack"

    /// The columns of a table.
    public static let table: [FlowColumn] = [
        .client, .listener, .serverName, .cluster, .endpoint, .state, .age, .idle, .upstreamBytes,
        .downstreamBytes, .upstreamPackets, .downstreamPackets, .mode,
    ]

    /// The columns of a wide listing: the mode holds the reason, and moments are told as age.
    public static let wide = allCases.filter { ![.relayReason, .created, .lastSeen].contains($0) }

    /// The columns of CSV: all.
    public static let csv = allCases

    /// The heading in a table or wide listing.
    var title: String {
        switch self {
        case .serverName: "SNI"
        case .age: "AGE"
        case .idle: "IDLE"
        case .upstreamBytes: "UP"
        case .downstreamBytes: "DOWN"
        case .upstreamPackets: "UP#"
        case .downstreamPackets: "DN#"
        default: shortened(rawValue).uppercased()
        }
    }

    /// Headings of wide columns: as in CSV, with the words of a TCP header.
    private func shortened(_ name: String) -> String {
        let words = [
            "upstream": "up", "downstream": "down", "sequence": "seq", "acknowledgement": "ack",
            "value": "val", "timestamp": "ts", "interface": "if", "delta": "", "ingress": "in",
            "egress": "out",
        ]
        return name.split(separator: "_").map { words[String($0)] ?? String($0) }
            .filter { !$0.isEmpty }.joined(separator: "_")
    }

    /// Whether cells stand at the right edge.
    var isNumber: Bool {
        switch self {
        case .client, .listener, .serverName, .cluster, .endpoint, .state, .mode, .relayReason,
            .listenerAddress, .balancer, .timestamps, .selectiveAcknowledgements:
            false
        default: true
        }
    }

    /// Whether a cell is an address, of which the port is kept when it is cut.
    var isAddress: Bool {
        switch self {
        case .client, .endpoint, .listenerAddress, .balancer: true
        default: false
        }
    }
}
