// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// What a ClientHello (RFC 8446 §4.1.2) says that routing and logs want to know.
public struct ClientHello: Sendable, Equatable {
    /// The SNI (RFC 6066 §3), checked; nil when the extension is missing.
    public var serverName: ServerName?
    /// The ALPN list (RFC 7301 §3.1) in the client's order; empty when the extension is missing.
    public var applicationProtocols = ApplicationProtocols()
    /// The highest version the client can speak; GREASE (RFC 8701) aside.
    public var highestVersion = TLSVersion.tls12
    /// Whether the extension `encrypted_client_hello` is present (a GREASE one counts: nobody
    /// without the key can tell the two apart).
    public var hasEncryptedClientHello = false
    /// How many bytes of the stream the hello took, record headers included. What follows, early
    /// data for one, is the endpoint's to read.
    public var length = 0

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
