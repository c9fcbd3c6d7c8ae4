// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import WireTypes

/// C structs stop here: addresses and tuples in network byte order become values.

extension IPAddress {
    /// The address in four words of network byte order.
    init(_ address: ip_address) {
        let word = address.word
        self.init(
            high: UInt64(UInt32(bigEndian: word.0)) << 32 | UInt64(UInt32(bigEndian: word.1)),
            low: UInt64(UInt32(bigEndian: word.2)) << 32 | UInt64(UInt32(bigEndian: word.3)))
    }

    /// The same as the flow map has it.
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

extension FlowTuple {
    init(_ tuple: flow_tuple) {
        self.init(
            flow_ends(
                saddr: tuple.saddr, daddr: tuple.daddr, sport: tuple.sport, dport: tuple.dport))
    }

    /// The same as a map key.
    var abi: flow_tuple {
        let ends = ends
        return flow_tuple(
            saddr: ends.saddr, daddr: ends.daddr, sport: ends.sport, dport: ends.dport, protocol: 6)
    }

    init(_ ends: flow_ends) {
        self.init(
            source: TransportAddress(IPAddress(ends.saddr), UInt16(bigEndian: ends.sport)),
            destination: TransportAddress(IPAddress(ends.daddr), UInt16(bigEndian: ends.dport)))
    }

    /// The same as a row has it.
    var ends: flow_ends {
        flow_ends(
            saddr: source.address.abi, daddr: destination.address.abi,
            sport: source.port.bigEndian, dport: destination.port.bigEndian)
    }
}

extension RelayReason {
    /// In the order of enum relay_reason, from 1.
    private static let ordered: [RelayReason] = [
        .localClient, .optionsRefused, .urgentData, .trickledHello, .noRoute, .tableFull,
        .splicingOff, .addressFamily, .noBPF, .localEndpoint, .noPort, .defaultRoute,
        .serverFirst, .proxyHeader,
    ]

    init(abi: UInt8) {
        let index = Int(abi) - 1
        self = Self.ordered.indices.contains(index) ? Self.ordered[index] : .noRoute
    }

    var abi: UInt8 { UInt8((Self.ordered.firstIndex(of: self) ?? 0) + 1) }
}

/// Copies text into a fixed, zero-terminated field of a C struct; what does not fit is cut.
func withText<Field: BitwiseCopyable>(_ text: String, in field: inout Field) {
    let size = MemoryLayout<Field>.size
    // The field is a tuple of C chars, plain bytes; at most size - 1 of them are written.
    unsafe withUnsafeMutableBytes(of: &field) { bytes in
        for (index, byte) in text.utf8.prefix(size - 1).enumerated() {
            unsafe bytes[index] = byte
        }
    }
}

/// Reads such a field.
func text<Field: BitwiseCopyable>(of field: Field) -> String {
    // The closure reads the bytes of a local copy.
    unsafe withUnsafeBytes(of: field) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
