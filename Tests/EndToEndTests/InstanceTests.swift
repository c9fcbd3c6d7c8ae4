// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Instances` {
        /// Runs `sluice` where it must fail with one sentence.
        private func expectRefusal(
            _ lab: Lab, _ words: [String], wrapper: [String] = []
        ) async throws {
            let line = wrapper + [Checkout.sluice, "--config", try lab.write(.kafka(.v4))]
            let output = try await lab.run(.balancer, line, limit: .seconds(20))
            #expect(output.status == 1, "\(output)")
            for word in words { #expect(output.errors.contains(word), "\(output)") }
            // Beside log lines, which begin with the time.
            let sentences = output.errors.split(separator: "\n").filter { !$0.hasDigitFirst }
            #expect(sentences.count == 1, "\(output)")
        }

        private func makePins(_ lab: Lab, of version: Int) throws -> String {
            let pins = lab.pins(of: version)
            try FileManager.default.createDirectory(
                atPath: pins, withIntermediateDirectories: true)
            return pins
        }

        @Test func `of another version whose flows are gone are cleared away`() async throws {
            try await withLab { lab in
                let old = try makePins(lab, of: 0)
                let status = try await lab.runBalancer("status", "--instance", lab.name)
                #expect(status.status == 1 && status.errors.contains(old), "\(status)")
                let balancer = try await lab.startBalancer(.kafka(.v4))
                #expect(!FileManager.default.fileExists(atPath: old))
                try await balancer.stop()
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test func `of several other versions are refused and told how to remove`() async throws {
            try await withLab { lab in
                let others = [try makePins(lab, of: 0), try makePins(lab, of: 9)]
                try await expectRefusal(lab, others + ["sluice unload --instance \(lab.name)"])
                #expect(try await lab.leftovers().isEmpty)
                let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                #expect(unload.isSuccess, "\(unload)")
                for pins in others { #expect(!FileManager.default.fileExists(atPath: pins)) }
                _ = try await lab.startBalancer(.kafka(.v4))
            }
        }

        @Test func `have one daemon at most, and a second one does the first no harm`() async throws
        {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4))
                let hash = try await lab.hash(of: "16.bin")
                let download = try lab.startDownload("/slow/16.bin", from: .listener(.v4))
                let hasBegun = try await isTrue(within: .seconds(5)) {
                    try await lab.flows("state established and bytes > 100KiB").count == 1
                }
                #expect(hasBegun)
                try await expectRefusal(lab, [lab.name, "in use", "instance"])
                let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                #expect(unload.status == 1 && unload.errors.contains("running"), "\(unload)")
                #expect(balancer.command.isRunning)
                let answer = try await lab.greet("kafka2.server.test", at: .listener(.v4))
                #expect(answer.isSuccess, "\(answer)")
                #expect(try await download.wait().text.hasPrefix(hash))
                #expect(try await lab.flows("mode spliced").count == 2)
            }
        }

        /// Without root nothing can be attached; whether it gets as far as to relay is up to ports.
        @Test func `of a plain user relay, or say in a sentence why they cannot`() async throws {
            try await withLab { lab in
                let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
                try await expectRefusal(lab, ["192.0.2.1:443", "ermission"], wrapper: nobody)
                #expect(try await lab.leftovers().isEmpty)

                let anyPort = ["sysctl", "-q", "-w", "net.ipv4.ip_unprivileged_port_start=0"]
                _ = try await lab.run(.balancer, anyPort)
                _ = try await lab.startBalancer(.kafka(.v4), wrapper: nobody)
                let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                #expect(answer.text == "kafka1.server.test 10.0.0.10 9093\n", "\(answer)")
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        /// Standard error is a pipe to a reader that stands still: nobody waits for it.
        @Test func `serve although nobody reads what they log, and tell how much was lost`()
            async throws
        {
            try await withLab { lab in
                let reader = "\(lab.state)/reader"
                let piped = "exec \"$@\" 2> >(echo $BASHPID >\(reader); exec cat)"
                let balancer = try await lab.startBalancer(
                    .kafka(.v4), wrapper: ["bash", "-c", piped, "bash"])
                let text = try String(contentsOfFile: reader, encoding: .utf8)
                let identifier = try #require(pid_t(text.dropLast()))
                #expect(Glibc.kill(identifier, SIGSTOP) == 0)
                defer { Glibc.kill(identifier, SIGCONT) }
                let pipe = "/proc/\(balancer.command.identifier)/fd/2"
                let filling = "dd if=/dev/zero of=\(pipe) oflag=nonblock bs=4096 count=1000"
                let filled = try await Command.run(["bash", "-c", filling])
                #expect(filled.errors.contains("temporarily unavailable"), "\(filled)")

                for count in 1...3 {
                    balancer.reload()
                    let isDone = try await isTrue(within: .seconds(5)) {
                        try await lab.counter("daemon_reloaded") == count
                    }
                    #expect(isDone)
                    let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                    #expect(answer.isSuccess, "\(answer)")
                }
                #expect(lab.logged("reloaded") == 0)

                Glibc.kill(identifier, SIGCONT)
                balancer.reload()
                let isTold = await isTrue(within: .seconds(5)) { lab.logged("reloaded") == 1 }
                #expect(isTold)
                #expect(lab.logged("lines before this one are lost: nobody read them lines=3") == 1)
            }
        }

        /// Killed at some moments of its start, it leaves what one `unload` removes, or nothing.
        @Test func `that die while starting leave what unload removes`() async throws {
            try await withLab { lab in
                let file = try lab.write(.kafka(.v4))
                var sawPins = false
                for milliseconds in [10, 30, 60, 90, 120, 160, 200, 250, 320, 400] {
                    let start = try lab.start(.balancer, [Checkout.sluice, "--config", file])
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    start.send(SIGKILL)
                    try await start.wait()
                    guard FileManager.default.fileExists(atPath: lab.pins) else { continue }
                    sawPins = true
                    let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                    #expect(unload.isSuccess, "after \(milliseconds) ms: \(unload)")
                    let leftovers = try await lab.leftovers()
                    #expect(leftovers.isEmpty, "after \(milliseconds) ms")
                }
                #expect(sawPins, "else nothing was shown")
                _ = try await lab.startBalancer(.kafka(.v4))
                let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                #expect(answer.isSuccess, "\(answer)")
            }
        }
    }

    @Suite(.needsBalancer) struct `Command lines` {
        @Test func `check tells where a file is broken and attaches nothing`() async throws {
            try await withLab { lab in
                var configuration = Configuration.kafka(.v4)
                let good = try lab.write(configuration)
                let fine = try await lab.runBalancer("check", good)
                #expect(fine.status == 0 && fine.text.contains("ok"), "\(fine)")

                configuration.policy = ["defualt: web"]
                let broken = try lab.write(configuration)
                let output = try await lab.runBalancer("check", broken)
                let text = try String(contentsOfFile: broken, encoding: .utf8)
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                let line = try #require(lines.firstIndex { $0.contains("defualt") }) + 1
                #expect(output.status == 2, "\(output)")
                #expect(output.errors.hasPrefix("\(broken):\(line):5: "), "\(output)")
                #expect(output.errors.contains("default"), "a suggestion: \(output)")
                #expect(try await lab.leftovers().isEmpty)

                // Nobody can read it, and it is the same.
                let unheard = try await Command.run([
                    "bash", "-c", "exec \"$0\" check \"$1\" 2> /dev/full", Checkout.sluice, broken,
                ])
                #expect(unheard.status == 2, "\(unheard)")
            }
        }

        @Test func `flowdump fails in a sentence`() async throws {
            try await withLab { lab in
                func dump(_ arguments: String...) async throws -> Command.Output {
                    try await Command.run(
                        [Checkout.flowdump, "--instance", lab.name] + arguments)
                }
                let missing = try await dump()
                #expect(missing.status == 1 && missing.text.isEmpty, "\(missing)")
                #expect(missing.errors.contains(lab.name), "\(missing)")
                #expect(missing.errors.split(separator: "\n").count == 1, "\(missing)")

                _ = try await lab.startBalancer(.kafka(.v4))
                #expect(try await dump().status == 0)
                #expect(try await dump("--exit-code").status == 1)
                for filter in ["stat established", "state estab", "port 70000", "sni a and"] {
                    let wrong = try await dump(filter)
                    #expect(wrong.status == 2 && wrong.text.isEmpty, "\(filter): \(wrong)")
                    #expect(wrong.errors.contains("column"), "\(filter): \(wrong)")
                }
                #expect(try await dump("--frobnicate").status == 2)
            }
        }
    }
}

extension Substring {
    fileprivate var hasDigitFirst: Bool { first?.isNumber == true }
}
