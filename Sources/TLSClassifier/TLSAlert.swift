// SPDX-License-Identifier: Apache-2.0

/// The description of a TLS alert (RFC 8446 §6), and the record that says it.
public struct TLSAlert: RawRepresentable, Hashable, Sendable {
    /// The code on the wire.
    public let rawValue: UInt8

    /// The alert with this code.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The peer's hello fits nothing we have.
    public static let handshakeFailure = TLSAlert(rawValue: 40)
    /// The peer's hello contradicts itself.
    public static let decodeError = TLSAlert(rawValue: 50)
    /// We failed, the peer did nothing wrong.
    public static let internalError = TLSAlert(rawValue: 80)
    /// No server by this name (RFC 6066 §3).
    public static let unrecognizedName = TLSAlert(rawValue: 112)

    /// The alert as a fatal one in a clear-text record, as it answers a ClientHello.
    ///
    /// Type 21, version 0x0301, length 2, level 2 (fatal), code: 7 bytes. Any client takes the
    /// version 0x0301 as long as none is agreed.
    public var record: [UInt8] { [21, 3, 1, 0, 2, 2, rawValue] }
}
