// SPDX-License-Identifier: Apache-2.0

extension JSONRows {
    /// The names of members with what stands around them. Not static: a million rows need not ask
    /// a billion times whether they are set up.
    struct Text {
        let createdNs = FixedText(#","created_ns":"#)
        let lastSeenNs = FixedText(#","last_seen_ns":"#)
        let ageNs = FixedText(#","age_ns":"#)
        let idleNs = FixedText(#","idle_ns":"#)
        let upstreamBytes = FixedText(#","upstream":{"bytes":"#)
        let downstreamBytes = FixedText(#"},"downstream":{"bytes":"#)
        let clientScale = FixedText(#"},"client_scale":"#)
        let balancerScale = FixedText(#","balancer_scale":"#)
        let endpointScale = FixedText(#","endpoint_scale":"#)
        let client = FixedText(#"{"client":"#)
        let listener = FixedText(#","listener":"#)
        let listenerAddress = FixedText(#","listener_address":"#)
        let serverName = FixedText(#","server_name":"#)
        let cluster = FixedText(#","cluster":"#)
        let balancer = FixedText(#","balancer":"#)
        let endpoint = FixedText(#","endpoint":"#)
        let state = FixedText(#","state":""#)
        let relayReason = FixedText(#","relay_reason":"#)
        let retransmittedBytes = FixedText(#","retransmitted_bytes":"#)
        let packets = FixedText(#","packets":"#)
        let sequenceDelta = FixedText(#","sequence_delta":"#)
        let acknowledgementDelta = FixedText(#","acknowledgement_delta":"#)
        let timestampValueDelta = FixedText(#","timestamp_value_delta":"#)
        let timestampEchoDelta = FixedText(#","timestamp_echo_delta":"#)
        let windowShift = FixedText(#","window_shift":"#)
        let ingressInterface = FixedText(#","ingress_interface":"#)
        let egressInterface = FixedText(#","egress_interface":"#)
        let timestamps = FixedText(#","timestamps":"#)
        let sack = FixedText(#","sack":"#)
        let yes = FixedText("true")
        let no = FixedText("false")
        let modeSpliced = FixedText(#"","mode":"spliced""#)
        let modeRelayed = FixedText(#"","mode":"relayed""#)
        let null = FixedText("null")
    }
}
