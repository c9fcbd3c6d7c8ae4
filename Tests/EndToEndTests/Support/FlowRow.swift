// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A line of `flowdump -o jsonl`, as far as tests look at it.
struct FlowRow: Decodable, Sendable {
    struct Direction: Decodable, Sendable {
        var bytes, retransmittedBytes, packets: Int
    }

    var client, listener, balancer, endpoint, state, mode: String
    var listenerAddress: String
    var cluster: String
    var serverName: String?
    var relayReason: String?
    var ageNs, idleNs, createdNs: Int
    var upstream, downstream: Direction
    var clientScale, balancerScale, endpointScale: Int?
    var timestamps, sack: Bool

    /// What names a flow, and outlives a daemon.
    var names: String {
        [client, listenerAddress, listener, serverName ?? "-", cluster, balancer, endpoint]
            .joined(separator: " ")
    }

    fileprivate init(line: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Self.self, from: Data(line.utf8))
    }
}

extension Lab {
    /// The flows that `flowdump` lists for a filter.
    func rows(_ filter: String = "") async throws -> [FlowRow] {
        try await flows(filter).map { try FlowRow(line: $0) }
    }
}
