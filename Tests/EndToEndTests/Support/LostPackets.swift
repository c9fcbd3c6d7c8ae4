// SPDX-License-Identifier: Apache-2.0
import Testing

/// The first packets of one kind, lost on one side of the balancer.
struct LostPackets: Sendable, CustomTestStringConvertible {
    var name: String
    var side: Lab.Role
    var way: String
    var kind: String

    static let all = [
        LostPackets(name: "SYN of the client", side: .client, way: "out", kind: "syn"),
        LostPackets(name: "SYN-ACK to the client", side: .client, way: "in", kind: "syn-ack"),
        LostPackets(name: "ACK of the client", side: .client, way: "out", kind: "ack"),
        LostPackets(name: "hello of the client", side: .client, way: "out", kind: "data"),
        LostPackets(name: "second flight of the client", side: .client, way: "out", kind: "second"),
        LostPackets(name: "ACK to the client", side: .client, way: "in", kind: "ack"),
        LostPackets(name: "answer to the client", side: .client, way: "in", kind: "data"),
        LostPackets(name: "SYN to the endpoint", side: .endpoint, way: "in", kind: "syn"),
        LostPackets(name: "SYN-ACK of the endpoint", side: .endpoint, way: "out", kind: "syn-ack"),
        LostPackets(name: "ACK to the endpoint", side: .endpoint, way: "in", kind: "ack"),
        LostPackets(name: "hello to the endpoint", side: .endpoint, way: "in", kind: "data"),
        LostPackets(
            name: "second flight to the endpoint", side: .endpoint, way: "in", kind: "second"),
        LostPackets(name: "ACK of the endpoint", side: .endpoint, way: "out", kind: "ack"),
        LostPackets(name: "answer of the endpoint", side: .endpoint, way: "out", kind: "data"),
    ]

    /// Lost pure ACKs are not sent again by themselves: how many there are is up to both TCPs.
    var isRepeated: Bool { kind != "ack" }

    /// `port`: of the client or the endpoint, on whose side it is; nil for all connections.
    func arm(_ lab: Lab, count: Int, port: Int? = nil) async throws {
        let options = ["drop", lab.name, side.rawValue, way, kind, "\(count)"]
        let output = try await Command.run(
            [Checkout.lab] + options + (port.map { ["\($0)"] } ?? []))
        guard output.isSuccess else {
            throw Command.Failure(description: "lab drop failed: \(output)")
        }
    }

    var testDescription: String { name }
}

extension Lab {
    /// What the foreign program of `lab foreign` has counted.
    var foreignPackets: Int {
        get async throws { Int(try await perform("foreign-count")) ?? 0 }
    }

    /// How many super-packets came there since `lab arrivals`, and how many were clones.
    func arrivals(at role: Role) async throws -> (all: Int, clones: Int) {
        let numbers = try await perform("arrivals-count", role.rawValue)
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        try #require(numbers.count == 2)
        return (numbers[0], numbers[1])
    }
}
