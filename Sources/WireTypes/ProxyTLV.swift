// SPDX-License-Identifier: Apache-2.0

/// What a PROXY header of version 2 can tell beside addresses (proxy-protocol.txt §2.2.1 to §2.2.8).
///
///      0       1       2       3 …
///     ┌───────┬───────────────┬────────
///     │ type  │ length        │ value
///     └───────┴───────────────┴────────
public enum ProxyTLV: Hashable, Sendable {
    /// The name that the client asked for: its SNI (§2.2.2).
    case authority
    /// The protocol that the client wants most (§2.2.1).
    case alpn
    /// What names the connection (§2.2.5).
    case uniqueID
    /// A checksum of the header (§2.2.4).
    case crc32c
    /// Whatever the type means to the endpoints; one of ``customTypes`` (§2.2.7, §2.2.8).
    case custom(type: UInt8, value: [UInt8])

    /// For the application's own use, and for experiments.
    public static let customTypes: ClosedRange<UInt8> = 0xe0...0xf7
    /// The most bytes of one custom value.
    public static let valueLimit = 255
    /// The most bytes of all custom values of a header, which has to fit into one segment.
    public static let valuesLimit = 512
    /// Type of one that says nothing (§2.2.3).
    static let nothing: UInt8 = 0x04

    /// As on the wire.
    public var type: UInt8 {
        switch self {
        case .alpn: 0x01
        case .authority: 0x02
        case .crc32c: 0x03
        case .uniqueID: 0x05
        case .custom(let type, _): type
        }
    }

    /// nil: the client did not say.
    func value(of subject: ProxySubject) -> [UInt8]? {
        switch self {
        case .authority: subject.serverName.map { Array($0.text.utf8) }
        case .alpn: subject.applicationProtocol.isEmpty ? nil : subject.applicationProtocol
        case .uniqueID: subject.uniqueID.isEmpty ? nil : subject.uniqueID
        case .crc32c: [0, 0, 0, 0]
        case .custom(_, let value): value
        }
    }
}

/// The checksum of iSCSI (RFC 3720 §12.1, Castagnoli's polynomial), bit by bit: headers are short.
public enum CRC32C {
    private static let polynomial: UInt32 = 0x82f6_3b78

    /// The sum of all bytes; of those in `skipped` as if they were zero.
    public static func sum(of bytes: Span<UInt8>, skipping skipped: Range<Int> = 0..<0) -> UInt32 {
        var sum: UInt32 = 0xffff_ffff
        for index in bytes.indices {
            sum ^= skipped.contains(index) ? 0 : UInt32(bytes[index])
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 0 ? 0 : polynomial) }
        }
        return ~sum
    }
}
