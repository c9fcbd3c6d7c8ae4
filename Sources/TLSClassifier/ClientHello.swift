// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// What a ClientHello (RFC 8446 §4.1.2) says that routing and logs want to know.
public struct ClientHello: Sendable, Equatable {
    /// The SNI (RFC 6066 §3), checked; nil when the extension is missing.
    public var serverName: ServerName?
    /// Whether the extension `encrypted_client_hello` is present (a GREASE one counts).
    public var hasEncryptedClientHello = false

    /// An empty hello.
    public init() {}
}

/// Why bytes cannot be classified.
public enum NotClassifiable: UInt8, Sendable, Equatable {
    /// The first bytes are not a TLS handshake record: HTTP, SSH, …
    case notTLS
    /// A TLS record, but the hello in it contradicts itself.
    case malformed
    /// The hello is larger than the limit.
    case tooLarge
    /// The server name is there but is no DNS name.
    case badServerName
}

/// What the bytes so far amount to.
public enum Classification: Sendable, Equatable {
    /// A prefix of a hello.
    case needsMore
    /// A whole hello.
    case hello(ClientHello)
    /// It will never be one.
    case notClassifiable(NotClassifiable)
}

/// Reads a ClientHello from a byte stream cut anywhere: segments, records, single bytes.
public struct ClientHelloReader: Sendable {
    /// A reader that gives up on hellos of more than `limit` bytes (records included).
    public init(limit: Int = 16384) {}

    /// Takes the next bytes of the stream. After `hello` or `notClassifiable` the answer stays.
    public mutating func read(_ bytes: Span<UInt8>) -> Classification { .needsMore }
}
