// SPDX-License-Identifier: Apache-2.0
import Foundation

extension Lab {
    /// Starts a real Envoy in the balancer's namespace and waits until it listens.
    func startEnvoy(_ file: String, port: Int) async throws -> Command {
        let command = try start(
            .balancer,
            [
                Requirements.envoyProgram, "--concurrency", "1", "--disable-hot-restart",
                "--log-level", "error", "-c", file,
            ])
        let listens = try await isTrue(within: .seconds(20)) {
            let ports = try await run(.balancer, ["ss", "-Hltn", "sport = :\(port)"])
            return !ports.text.isEmpty || !command.isRunning
        }
        guard listens, command.isRunning else {
            throw Command.Failure(description: "Envoy did not get ready: \(command.printed)")
        }
        return command
    }

    /// Starts an endpoint of another make, without TLS.
    func startPlainEndpoint(port: Int) async throws {
        _ = try start(
            .endpoint,
            ["python3", "-m", "http.server", "\(port)", "--directory", "\(state)/certificates"])
        _ = try await isTrue(within: .seconds(10)) {
            try await !run(.endpoint, ["ss", "-Hltn", "sport = :\(port)"]).text.isEmpty
        }
    }

    /// Which endpoint answers to a client of these tests: the line that it says of itself; nil when
    /// nobody does.
    func endpoint(answering client: RoutedClient, port: Int) async throws -> String? {
        let target = client.family.join(client.family.vip, port)
        guard client.speaksTLS else {
            let script =
                "exec 3<>/dev/tcp/\(client.family.vip)/\(port); "
                + "printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 5 cat <&3"
            let output = try await run(.client, ["bash", "-c", script])
            return output.text.split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("Server: ") }.map(String.init)
        }
        var line = ["openssl", "s_client", "-quiet", "-connect", target]
        line += client.name.map { ["-servername", $0] } ?? ["-noservername"]
        if let protocols = client.protocols { line += ["-alpn", protocols] }
        let output = try await run(.client, line, input: "GET / HTTP/1.0\r\n\r\n")
        let answer = output.text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
        return answer.contains(" 10.0.0.1") ? answer : nil
    }
}

/// A client as far as it matters for its route.
struct RoutedClient: Hashable, Sendable, CustomStringConvertible {
    let family: Family
    /// Nil: it asks for no name.
    var name: String?
    /// Nil: it has no ALPN.
    var protocols: String?
    var speaksTLS = true

    var description: String {
        speaksTLS ? "\(family) \(name ?? "no name") \(protocols ?? "no ALPN")" : "\(family) plain"
    }
}
