// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// TLS implementations that reach the endpoints.
enum TLSClient: String, CaseIterable, Sendable {
    case curl, openssl, gnutls, python
}

/// Where a client connects to.
struct Target: Sendable {
    var address: String
    var port: Int

    static func listener(_ family: Family) -> Target { Target(address: family.vip, port: 443) }

    /// The same server without a balancer, for labs with plain forwarding.
    static func endpoint(_ family: Family, _ port: Int) -> Target {
        Target(address: family.endpoint, port: port)
    }

    var joined: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }
}

extension Lab {
    /// GET of `/` as `name`, with the certificate checked against that name.
    func greet(
        _ name: String, at target: Target, with client: TLSClient = .curl,
        from role: Role = .client,
        options: [String] = []
    ) async throws -> Command.Output {
        let request = "GET / HTTP/1.0\r\nHost: \(name)\r\n\r\n"
        switch client {
        case .curl:
            return try await run(role, curl(name, target, "/") + options)
        case .openssl:
            let line = [
                "openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", authority,
                "-servername", name, "-verify_hostname", name, "-connect", target.joined,
            ]
            return try await run(role, line + options, input: request)
        case .gnutls:
            let line = [
                "gnutls-cli", "--x509cafile=\(authority)", "--sni-hostname=\(name)",
                "--verify-hostname=\(name)", "-p", "\(target.port)", target.address,
            ]
            return try await run(role, line + options, input: request)
        case .python:
            let line = [Checkout.getByPython, target.address, "\(target.port)", name, authority]
            return try await run(role, line + options)
        }
    }

    /// The command line of a curl that gets `path` and fails on anything odd.
    func curl(_ name: String, _ target: Target, _ path: String) -> [String] {
        [
            "curl", "-sS", "--fail", "--max-time", "120", "--cacert", authority,
            "--connect-to", "::\(target.joined)", "https://\(name)\(path)",
        ]
    }

    /// Starts a download that ends with the SHA-256 of what came.
    func startDownload(
        _ path: String, as name: String = "kafka1.server.test", from target: Target
    ) throws -> Command {
        try startHashing(curl(name, target, path))
    }

    /// Starts an upload of one of the lab's files that ends with the SHA-256 of what arrived.
    func startUpload(
        _ file: String, as name: String = "kafka1.server.test", to target: Target,
        options: [String] = []
    ) throws -> Command {
        try startHashing(
            curl(name, target, "/upload") + ["-T", "\(state)/files/\(file)"] + options, hash: "cat")
    }

    /// What a download or upload of one of the lab's files must end with.
    func hash(of file: String) async throws -> String {
        let output = try await Command.run(["sha256sum", "\(state)/files/\(file)"])
        return String(output.text.prefix(64))
    }

    /// The raw client with a canned ClientHello: its JSON line.
    func fire(
        _ name: String, at target: Target, options: [String], limit: Duration = .seconds(120)
    ) async throws -> Volley {
        let hello = "\(state)/\(name).hello"
        _ = try await Command.run(["bash", "-c", "\(Checkout.makeHello) \(name) >\(hello)"])
        let line = ["\(Checkout.tools)/hello_client"] + options
        let output = try await run(
            .client, line + [target.address, "\(target.port)", hello], limit: limit)
        return try JSONDecoder().decode(Volley.self, from: Data(output.text.utf8))
    }

    private func startHashing(_ line: [String], hash: String = "sha256sum") throws -> Command {
        let script = "set -o pipefail; \"$@\" | \(hash)"
        return try start(.client, ["bash", "-c", script, "bash"] + line)
    }
}

/// What Tests/Lab/hello_client.c reports.
struct Volley: Decodable, Sendable, CustomStringConvertible {
    struct Latency: Decodable, Sendable {
        var p50, p99, max: Double
    }

    var connections: Int
    var failed: Int
    var seconds: Double
    var perSecond: Double
    var firstByte: Latency
    var errors: [String: Int]

    enum CodingKeys: String, CodingKey {
        case connections, failed, seconds, errors
        case perSecond = "per_second"
        case firstByte = "first_byte_us"
    }

    var description: String {
        "\(connections) connections, \(failed) failed \(errors), "
            + "first byte after \(firstByte.p50) µs (p50), \(firstByte.p99) µs (p99)"
    }
}
