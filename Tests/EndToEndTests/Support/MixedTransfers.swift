// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What Tests/Lab/mixed.py reports.
struct MixedTransfers: Decodable, Sendable {
    var good, corrupt: Int
    /// How often what went wrong.
    var errors: [String: Int]
    var seconds: Double

    var failed: Int { errors.values.reduce(0, +) }
}

/// What the emulator (Tests/Lab/wan.c) did to the frames on both wires.
struct WANCounts: Decodable, Sendable {
    var frames, lost, duplicated, reordered, corrupted, refused: Int
}

extension Lab {
    /// TLS transfers of many sizes, half of them downloads, each with its bytes compared.
    func startMixedTransfers(
        _ count: Int, at target: Target, as name: String = "kafka1.server.test"
    ) throws -> Command {
        try start(
            .client,
            [
                Checkout.mixed, "--count", "\(count)", "--authority", authority,
                "--file", "\(state)/files/16.bin", target.address, "\(target.port)",
                name,
            ])
    }

    /// Tells the emulator what to do from now on; returns what it did until now.
    @discardableResult
    func emulate(_ options: String) async throws -> WANCounts {
        let text = try await perform("wan", options)
        return try JSONDecoder().decode(WANCounts.self, from: Data(text.utf8))
    }
}

extension Command {
    /// The report of mixed.py.
    func transfers(_ limit: Duration = .seconds(180)) async throws -> MixedTransfers {
        let output = try await wait(limit)
        return try JSONDecoder().decode(MixedTransfers.self, from: Data(output.text.utf8))
    }
}
