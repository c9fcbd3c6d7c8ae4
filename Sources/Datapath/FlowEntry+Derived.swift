// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI

// What a row says in few bits, or in two numbers together.

extension flow_entry {
    /// Whether a flag is set.
    func has(_ flag: flow_flag) -> Bool { flags & flag.rawValue != 0 }

    /// Whether it is of packets from client to endpoint.
    var isUpstream: Bool { has(FLOW_FLAG_UPSTREAM) }

    /// The window scale that the client offered; 0: none.
    var clientScale: UInt8 {
        get { scale(at: FLOW_CLIENT_SCALE_SHIFT) }
        set { set(scale: newValue, at: FLOW_CLIENT_SCALE_SHIFT) }
    }

    /// The window scale that we told the client; 0: none.
    var ourScale: UInt8 {
        get { scale(at: FLOW_OUR_SCALE_SHIFT) }
        set { set(scale: newValue, at: FLOW_OUR_SCALE_SHIFT) }
    }

    /// The window scale of the endpoint's SYN-ACK; 0: none.
    var endpointScale: UInt8 {
        get { scale(at: FLOW_ENDPOINT_SCALE_SHIFT) }
        set { set(scale: newValue, at: FLOW_ENDPOINT_SCALE_SHIFT) }
    }

    /// How often the sender was told of the largest packet, 3 at most.
    var timesToldLimit: UInt8 {
        get { UInt8(flags >> FLOW_LIMIT_TOLD_SHIFT) }
        set {
            flags &= (1 << FLOW_LIMIT_TOLD_SHIFT) - 1
            flags |= UInt32(min(newValue, 3)) << FLOW_LIMIT_TOLD_SHIFT
        }
    }

    private func scale(at shift: Int32) -> UInt8 { UInt8((flags >> shift) & FLOW_SCALE_MASK) }

    private mutating func set(scale: UInt8, at shift: Int32) {
        flags &= ~(FLOW_SCALE_MASK << shift)
        flags |= (UInt32(scale) & FLOW_SCALE_MASK) << shift
    }
}

extension flow_entry {
    /// How much further the endpoint counts than the client, from the ISNs of both on: ours in front
    /// of the client's first byte, less what it does not get.
    var ownedShift: UInt32 { UInt32(owned_length) &- UInt32(preface_length) }

    /// The client's ISN.
    var clientISN: UInt32 {
        isUpstream ? first_seq &- 1 : own_isn &+ ack_delta &+ ownedShift
    }

    /// Ours towards the endpoint.
    var isn: UInt32 {
        isUpstream ? clientISN &+ seq_delta &- ownedShift : own_isn
    }

    /// A TSval that the sender may have seen at the beginning: our clock, in milliseconds. Our SYN to
    /// the endpoint said exactly that, our SYN-ACK to the client something earlier. Of a plain flow
    /// none is known: 0.
    var firstTimestamp: UInt32 {
        has(FLOW_FLAG_PLAIN) ? 0 : UInt32(truncatingIfNeeded: created_ns / 1_000_000)
    }

    /// How far the sender's numbers went, less the FIN's.
    var sentBytes: UInt64 {
        // What it has said so far is in the template.
        guard UInt32(state) != FLOW_CONNECTING.rawValue else { return 0 }
        let numbers = next_seq &- UInt64(first_seq)
        return has(FLOW_FLAG_FIN) && numbers > 0 ? numbers - 1 : numbers
    }

    /// CLOCK_MONOTONIC nanoseconds of the last packet; creation before it.
    var lastSeenNanoseconds: UInt64 {
        Tick(value: last_seen).nanoseconds(since: created_ns)
    }

    /// The same of the last packet that brought new data.
    var lastDataNanoseconds: UInt64 {
        Tick(value: last_data).nanoseconds(since: created_ns)
    }
}
