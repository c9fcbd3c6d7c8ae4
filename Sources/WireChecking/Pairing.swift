// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// Which connection to an endpoint continues which of a client, as `flowdump` lists them.
public struct FlowPair: Sendable, Hashable {
    /// From the client to the listener.
    public let front: FlowTuple
    /// From the balancer's own address to the endpoint.
    public let back: FlowTuple

    /// A pair of tuples, each from who sends the SYN.
    public init(front: FlowTuple, back: FlowTuple) {
        self.front = front
        self.back = back
    }
}

/// Finds the connections that belong together: as given, or else by the first bytes that both
/// carried. A ClientHello has 32 random bytes, which tell it from any other.
struct Pairing {
    /// Record and handshake header, version, random (RFC 8446 §4.1.2, §5.1).
    static let telling = 5 + 4 + 2 + 32

    private(set) var pairs: [(front: Connection, back: Connection)] = []
    private(set) var unpairedFront: [Connection] = []
    private(set) var unpairedBack: [Connection] = []

    init(_ front: [Connection], _ back: [Connection], given: [FlowPair]) {
        let tuples = Dictionary(given.map { ($0.front, $0.back) }, uniquingKeysWith: { $1 })
        let frontBytes = front.map { $0.firstBytes(Self.telling) }
        let backBytes = back.map { $0.firstBytes(Self.telling) }
        let byBytes = Dictionary(grouping: back.indices) { backBytes[$0] }
        let isAlone = Dictionary(frontBytes.map { ($0, 1) }, uniquingKeysWith: +)
        var used: Set<Int> = []
        for (index, connection) in front.enumerated() {
            let bytes = frontBytes[index]
            let same = (byBytes[bytes] ?? []).filter { !used.contains($0) }
            let match: Int?
            if let tuple = tuples[connection.tuple] {
                // One after the other of the same tuples told apart by their bytes.
                match =
                    same.first { back[$0].tuple == tuple }
                    ?? back.indices.first { back[$0].tuple == tuple && !used.contains($0) }
            } else {
                let isTelling = bytes.count == Self.telling && isAlone[bytes] == 1
                match = isTelling && same.count == 1 ? same.first : nil
            }
            guard let match else {
                unpairedFront.append(connection)
                continue
            }
            used.insert(match)
            pairs.append((connection, back[match]))
        }
        unpairedBack = back.indices.filter { !used.contains($0) }.map { back[$0] }
    }
}
