// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Datapath
import DatapathModel
import WireTypes

extension Address {
    var abi: ip_address {
        ip_address(
            word: (
                UInt32(truncatingIfNeeded: high >> 32).bigEndian,
                UInt32(truncatingIfNeeded: high).bigEndian,
                UInt32(truncatingIfNeeded: low >> 32).bigEndian,
                UInt32(truncatingIfNeeded: low).bigEndian
            ))
    }
}

extension Tuple {
    var ends: flow_ends {
        flow_ends(
            saddr: source.abi, daddr: destination.abi, sport: sourcePort.bigEndian,
            dport: destinationPort.bigEndian)
    }

    var abi: flow_tuple {
        flow_tuple(
            saddr: source.abi, daddr: destination.abi, sport: sourcePort.bigEndian,
            dport: destinationPort.bigEndian, protocol: 6)
    }
}

extension Tuple {
    init(_ tuple: flow_tuple) {
        self.init(
            source: Address(tuple.saddr), destination: Address(tuple.daddr),
            sourcePort: UInt16(bigEndian: tuple.sport),
            destinationPort: UInt16(bigEndian: tuple.dport))
    }
}

extension Address {
    init(_ address: ip_address) {
        let word = address.word
        self.init(
            high: UInt64(UInt32(bigEndian: word.0)) << 32 | UInt64(UInt32(bigEndian: word.1)),
            low: UInt64(UInt32(bigEndian: word.2)) << 32 | UInt64(UInt32(bigEndian: word.3)))
    }
}

extension PlainChoice {
    /// As the daemon writes it.
    var table: PlainTable {
        PlainTable(
            cluster: cluster, hashesPort: hashesPort,
            endpoints: endpoints.map { endpoint in
                PlainTable.Endpoint(
                    address: TransportAddress(endpoint.address.ip, endpoint.port),
                    sources: endpoint.sources.map(\.ip), index: endpoint.index)
            }, slots: slots)
    }
}

extension Address {
    var ip: IPAddress { IPAddress(high: high, low: low) }
}

extension NextHop {
    /// IPv4 addresses stand in the first word.
    var abi: next_hop {
        let word = family == 2 ? Address(high: UInt64(address.v4) << 32, low: 0) : address
        return next_hop(ifindex: interface, family: family, mtu: mtu, addr: word.abi)
    }
}

extension Row {
    /// Without a way: which slot names it is the datapath's affair.
    var abi: flow_entry {
        var entry = flow_entry()
        entry.rewrite = rewrite.ends
        entry.seq_delta = sequenceDelta
        entry.ack_delta = acknowledgementDelta
        entry.tsval_delta = timestampDelta
        entry.tsecr_delta = echoDelta
        entry.window_shift = windowShift
        entry.state = state.rawValue
        entry.flags = flagsWord
        entry.last_ack = lastAcknowledgement
        entry.next_seq = nextSequence
        entry.packets = packets
        entry.bytes = bytes
        entry.created_ns = created
        entry.last_seen = lastSeen
        entry.last_data = lastData
        entry.ingress_ifindex = ingressInterface
        entry.size_limit = sizeLimit
        entry.first_seq = firstSequence
        entry.own_isn = ownISN
        entry.preface_length = prefaceLength
        entry.client_window = handover.clientWindow
        entry.hello_length = handover.helloLength
        entry.owned_length = handover.ownedLength
        if let origin {
            entry.listener = origin.listener
            entry.cluster = origin.cluster
            entry.endpoint = origin.endpoint
            entry.server_name = origin.serverName
        } else {
            // What no program writes.
            entry.listener = 0x1111
            entry.cluster = 0x2222
            entry.endpoint = 0x3333
            entry.server_name = 0x4444_4444
        }
        return entry
    }

    /// Flags, and above them what is of a few bits.
    private var flagsWord: UInt32 {
        var word = UInt32(flags.rawValue)
        word |= UInt32(handover.clientScale) << FLOW_CLIENT_SCALE_SHIFT
        word |= UInt32(handover.ourScale) << FLOW_OUR_SCALE_SHIFT
        word |= UInt32(endpointScale) << FLOW_ENDPOINT_SCALE_SHIFT
        word |= UInt32(timesToldLimit) << FLOW_LIMIT_TOLD_SHIFT
        return word
    }
}

extension Note {
    var abi: handshake_note {
        handshake_note(
            client_isn: clientISN, cookie: cookie, tsval: timestamp, ifindex: interface,
            created_ns: created, mss: mss, listener: listener, scale: scale, our_scale: ourScale,
            flags: flags)
    }
}

extension Listener {
    var abi: listener_entry {
        listener_entry(
            listener: id, mss: mss, window_scale: windowScale,
            flags: (promisesTimestamps ? 0 : 1) | (isPlain ? 4 : 0), window: window,
            process_list: 0, own_list: 0, process_limit: 0, own_limit: 0)
    }
}

/// Plain old data without holes, byte by byte.
func isSame<Value: BitwiseCopyable>(_ one: Value, _ other: Value) -> Bool {
    unsafe withUnsafeBytes(of: one) { one in
        unsafe withUnsafeBytes(of: other) { other in unsafe one.elementsEqual(other) }
    }
}
