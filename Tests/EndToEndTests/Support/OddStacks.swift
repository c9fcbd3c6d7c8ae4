// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Configuration {
    /// `odd.test`, whose endpoint Tests/Lab/odd_tcp.py plays, and `linux.test`, whose endpoint it
    /// makes of Linux's own TCP.
    static func odd(_ family: Family) -> Configuration {
        var configuration = Configuration(addresses: [family.join(family.vip, 443)])
        let endpoint = family == .v4 ? "10.0.0.50" : "fd00:e::50"
        configuration.route("odd.test", to: "odd", family.join(endpoint, Lab.echoPort))
        configuration.route("linux.test", to: "linux", family.join(family.endpoint, Lab.echoPort))
        configuration.settings = ["limits:", "  closed_linger: 3s"]
        return configuration
    }

    /// A listener and a cluster for each kind of endpoint that Tests/Lab/odd/scripts/options.py
    /// knows, so that what is learned of one touches no other.
    mutating func addEndpointKinds(_ family: Family) {
        let endpoint = family == .v4 ? "10.0.0.50" : "fd00:e::50"
        for number in 0..<19 {
            otherListeners += [
                "kind\(number):", "  address: \"\(family.join(family.vip, 8000 + number))\"",
                "  default: kind\(number)",
            ]
            let address = family.join(endpoint, 9800 + number)
            clusters.append(("kind\(number)", ["endpoints: [\"\(address)\"]"]))
        }
    }
}

extension Lab {
    /// Plays a script of Tests/Lab/odd/scripts, which fails with what it saw on both wires.
    func play(_ script: String, _ family: Family, _ arguments: String...) async throws {
        let line = [
            Checkout.oddTCP, "--lab", name, "--flowdump", Checkout.flowdump, "--family",
            family.rawValue, script,
        ]
        let output = try await Command.run(line + arguments, limit: .seconds(150))
        #expect(output.text == "good\n", "\(script): \(output)")
        for sum in ["drop_malformed", "drop_kernel", "daemon_client_hello_damaged"] {
            #expect(try await counter(sum) == 0, "\(sum)")
        }
    }
}

/// A lab with a balancer between odd stacks, for one family. `prepare`: before it starts.
func withOddLab(
    _ family: Family, _ change: @Sendable (inout Configuration) -> Void = { _ in },
    prepare: @Sendable (Lab) async throws -> Void = { _ in },
    _ body: @Sendable (Lab) async throws -> Void
) async throws {
    var configuration = Configuration.odd(family)
    change(&configuration)
    try await withLab { [configuration] lab in
        try await prepare(lab)
        _ = try await lab.startBalancer(configuration)
        try await body(lab)
    }
}
