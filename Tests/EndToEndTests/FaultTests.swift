// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Faults at the start` {
        /// Starts `sluice`, expects it to end with `status`, one sentence that has `words` in it, and
        /// nothing left behind.
        private func expectFailure(
            _ status: Int32, _ words: [String], options: [String] = [],
            configuration: Configuration = .kafka(.v4),
            prepare: @Sendable (Lab) async throws -> Void = { _ in }
        ) async throws {
            try await withLab { lab in
                try await prepare(lab)
                let file = try lab.write(configuration)
                let line = [Checkout.sluice, "--config", file] + options
                let output = try await lab.run(.balancer, line, limit: .seconds(20))
                #expect(output.status == status, "\(output)")
                for word in words { #expect(output.errors.contains(word), "\(output)") }
                #expect(output.errors.split(separator: "\n").count <= 4, "\(output)")
                let leftovers = try await lab.leftovers()
                #expect(leftovers.isEmpty)
            }
        }

        @Test func `an interface that does not exist`() async throws {
            try await expectFailure(1, ["9999"], options: ["--ifindex", "9999"])
            try await expectFailure(1, ["eth77"], options: ["--ifindex", "eth77"])
        }

        @Test func `no configuration`() async throws {
            try await withLab { lab in
                let output = try await lab.runBalancer("--config", "/nowhere/sluice.yaml")
                #expect(output.status == 2 && output.errors.contains("/nowhere/sluice.yaml"))
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test func `a key that nobody knows`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.settings.append("interfcae: eth0")
            try await expectFailure(2, ["interfcae", "sluice.yaml:"], configuration: configuration)
        }

        @Test func `an address that is not ours`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.addresses = ["203.0.113.9:443"]
            try await expectFailure(1, ["203.0.113.9"], configuration: configuration)
        }

        /// Without CAP_PERFMON the verifier refuses our programs: pointers may not be copied in part.
        @Test func `a verifier that refuses`() async throws {
            try await withLab { lab in
                // A bpffs of its own: another instance may be on the machine's.
                let script = """
                    mount -t bpf bpf /sys/fs/bpf
                    setpriv --bounding-set=-all,+bpf,+net_admin,+net_raw,+net_bind_service "$@"
                    status=$?
                    find /sys/fs/bpf -mindepth 1 -name '*\(lab.name)*'
                    exit $status
                    """
                let line = ["unshare", "-m", "sh", "-c", script, "sh", Checkout.sluice, "--config"]
                let output = try await lab.run(.balancer, line + [try lab.write(.kafka(.v4))])
                #expect(output.status == 1 && output.text.isEmpty, "\(output)")
                let lines = output.errors.split(separator: "\n")
                #expect(
                    lines.first?.hasPrefix("sluice: cannot load the BPF object into the kernel: ")
                        == true, "\(output)")
                #expect(lines.first?.contains("CAP_PERFMON is missing") == true, "\(output)")
                #expect(lines.dropFirst().first == "The verifier's last lines:", "\(output)")
                #expect(lines.dropFirst(2).allSatisfy { $0.hasPrefix("    ") }, "\(output)")
                #expect(lines.suffix(3).contains { $0.contains("pointer") }, "\(output)")
                #expect((4...14).contains(lines.count), "\(output)")
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test func `a port that is in use`() async throws {
            try await expectFailure(1, ["192.0.2.1:443"]) { lab in
                _ = try lab.start(
                    .balancer, ["python3", "-m", "http.server", "--bind", "192.0.2.1", "443"])
                let isTaken = try await isTrue(within: .seconds(3)) {
                    let line = ["ss", "-Htln", "sport = :443"]
                    return try await !lab.run(.balancer, line).text.isEmpty
                }
                #expect(isTaken)
            }
        }
    }
}
