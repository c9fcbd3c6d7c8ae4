// SPDX-License-Identifier: Apache-2.0

public import TLSClassifier
public import WireTypes

extension ClusterState {
    /// What the endpoints get in front of a client's first byte; empty when they are told nothing.
    ///
    /// - Parameters:
    ///   - client: Client → listener, or whom a PROXY header named.
    ///   - protocols: Those of the client, when they are known.
    ///   - hello: Else its first bytes, which are read again when protocols are told.
    ///   - identity: Of the connection.
    ///   - length: The least length, where the version lets it be filled up.
    public func proxyHeader(
        of client: FlowTuple, named serverName: ServerName?,
        protocols: ApplicationProtocols = ApplicationProtocols(), hello: Span<UInt8>,
        identity: @autoclosure () -> ConnectionIdentity, length: Int = 0
    ) -> [UInt8] {
        if proxyProtocol == .off { return [] }
        var subject = ProxySubject(client)
        subject.serverName = serverName
        if proxyTLVs.contains(.alpn) {
            subject.applicationProtocol =
                protocols.isEmpty ? Self.firstProtocol(hello) : protocols.first
        }
        if proxyTLVs.contains(.uniqueID) { subject.uniqueID = identity().bytes }
        return proxyProtocol.header(of: subject, tlvs: proxyTLVs, length: length)
    }

    /// The protocol that a whole hello wants most; empty without.
    private static func firstProtocol(_ bytes: Span<UInt8>) -> [UInt8] {
        var reader = ClientHelloReader(limit: bytes.count)
        guard case .hello(let hello) = reader.read(bytes) else { return [] }
        return hello.applicationProtocols.first
    }
}

/// What names a connection to its endpoint: 32 hexadecimal digits. The first 16 are its `created_ns`
/// in flowdump's reports; the others are a keyed hash, by which no two balancers, and no two boots of
/// one, say the same. Made of what a flow's row has, so that it can be made again.
public struct ConnectionIdentity: Sendable {
    private let created: UInt64
    private let hash: UInt64

    /// Of the connection of a client (client → listener) that began at a time; `key` is the instance's.
    public init(of client: FlowTuple, created: UInt64, key: (UInt64, UInt64)) {
        self.created = created
        var hash = SipHash(key: key)
        for end in [client.source, client.destination] {
            hash.add(end.address.high)
            hash.add(end.address.low)
            hash.add(UInt64(end.port))
        }
        hash.add(created)
        self.hash = hash.finish()
    }

    /// The digits.
    public var bytes: [UInt8] {
        [created, hash].flatMap { word in
            stride(from: 60, through: 0, by: -4).map { shift in
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
        }
    }
}
