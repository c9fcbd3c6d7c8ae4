// SPDX-License-Identifier: Apache-2.0

/// The header of a clear-text record (RFC 8446 §5.1), taken byte by byte:
///
///     type 1 (22, handshake) │ version 2 (0x0300…0x0304, to be ignored) │ length 2 (1…2¹⁴)
struct RecordHeader: Sendable {
    static let size = 5
    private static let handshake: UInt8 = 22

    /// How much of the fragment is still to come; 0 as long as the header is not complete.
    var fragmentLeft = 0
    private var taken = 0
    private var isFirst = true
    private var length = 0

    /// Takes a byte; not nil when no hello can come of it.
    ///
    /// In the first record a strange type or version means that this is no TLS. Later the client
    /// has begun to speak it: handshake messages are not interleaved with other records.
    mutating func take(_ byte: UInt8) -> NotClassifiable? {
        defer { taken += 1 }
        switch taken {
        case 0: return byte == Self.handshake ? nil : stranger
        case 1: return byte == 3 ? nil : stranger
        case 2: return byte <= 4 ? nil : stranger
        case 3: length = Int(byte) << 8
        default: return endHeader(length | Int(byte))
        }
        return nil
    }

    private var stranger: NotClassifiable { isFirst ? .notTLS : .malformed }

    private mutating func endHeader(_ length: Int) -> NotClassifiable? {
        // An empty handshake fragment is forbidden, too: it would be a way to send for ever.
        guard (1...0x4000).contains(length) else { return .malformed }
        fragmentLeft = length
        isFirst = false
        taken = -1
        return nil
    }
}
