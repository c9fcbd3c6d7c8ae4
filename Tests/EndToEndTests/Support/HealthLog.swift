// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A line of the daemon's log that tells of health.
struct HealthLine: Decodable, Sendable {
    var message: String
    var cluster: String?
    var endpoint: String?
    var was: String?
    var health: String?
    var cause: String?
    var error: String?
    var action: String?
    var reason: String?

    enum CodingKeys: String, CodingKey {
        case message, cluster, endpoint, was, health, cause, action, reason
        case error = "last_error"
    }
}

extension Lab {
    /// Lines about health in the JSON log, in their order; of one endpoint's port if given.
    func healthLines(_ port: Int? = nil) throws -> [HealthLine] {
        let log = try String(contentsOfFile: balancerLog, encoding: .utf8)
        return log.split(separator: "\n").compactMap { line in
            try? JSONDecoder().decode(HealthLine.self, from: Data(line.utf8))
        }.filter { line in
            guard let port else { return line.cluster != nil && line.message.contains("endpoint") }
            return line.health != nil && line.endpoint?.hasSuffix(":\(port)") == true
        }
    }

    /// Waits until the last word on an endpoint is that.
    func wait(
        for health: String, of port: Int, within limit: Duration = .seconds(10)
    ) async throws -> Bool {
        try await isTrue(within: limit) { try healthLines(port).last?.health == health }
    }

    /// Starts Tests/Lab/health_endpoint.py.
    func startPatient(_ port: Int, _ kind: String, _ arguments: String...) async throws -> Command {
        try await startAndWait(
            .endpoint, [Checkout.healthEndpoint, "\(port)", kind] + arguments)
    }
}
