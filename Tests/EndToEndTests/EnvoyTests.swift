// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Envoy's bootstraps` {
        /// The samples' brokers live at the lab's second endpoint address.
        private func expectBrokers(_ lab: Lab) async throws {
            for number in 1...3 {
                let name = "kafka\(number).server.test"
                let target = Target(address: Family.v4.vip, port: 9093)
                let answer = try await lab.greet(name, at: target)
                #expect(answer.text == "\(name) 10.0.0.11 \(9092 + number)\n", "\(answer)")
                #expect(try await lab.flows("mode spliced and sni \(name)").count == 1)
            }
            let other = try await lab.greet(
                "kafka4.server.test", at: Target(address: Family.v4.vip, port: 9093))
            #expect(other.errors.contains("unrecognized name"), "\(other)")
        }

        @Test(arguments: [Lab.Layout.oneArm, .twoArm])
        func `of the eBPF filter run on the interface that they index`(
            layout: Lab.Layout
        ) async throws {
            try await withLab(layout) { lab in
                let link = try await lab.run(.balancer, ["ip", "-o", "link", "show", "front"])
                let index = link.text.prefix { $0 != ":" }
                let sample = try String(
                    contentsOfFile: "\(Checkout.samples)/ebpf_tcp_proxy_config.yaml",
                    encoding: .utf8)
                let file = "\(lab.state)/envoy.yaml"
                try sample.replacing("interface_index: 2", with: "interface_index: \(index)")
                    .write(toFile: file, atomically: true, encoding: .utf8)
                let others = layout.interfaces.dropFirst().flatMap { ["--interface", $0] }
                _ = try await lab.startBalancer(
                    file: file, options: ["--instance", lab.name] + others)
                try await expectBrokers(lab)
            }
        }

        @Test func `without an interface run where the command line says`() async throws {
            let file = "\(Checkout.samples)/tcp_proxy_config.yaml"
            try await withLab { lab in
                let none = try await lab.runBalancer("--config", file, "--instance", lab.name)
                #expect(none.status == 2 && none.errors.contains("--ifindex"), "\(none)")
                let interfaces = lab.layout.interfaces.flatMap { ["--ifindex", $0] }
                _ = try await lab.startBalancer(
                    file: file, options: ["--instance", lab.name] + interfaces)
                try await expectBrokers(lab)
            }
        }

        @Test func `are the same once they are converted`() async throws {
            try await withLab { lab in
                let converted = try await lab.runBalancer(
                    "convert", "\(Checkout.samples)/tcp_proxy_config.yaml")
                #expect(converted.errors.contains("names no interface"), "\(converted)")
                let interfaces = lab.layout.interfaces.joined(separator: ", ")
                let text = converted.text.replacing(
                    "instance: sluice", with: "instance: \(lab.name)")
                let file = "\(lab.state)/converted.yaml"
                try "interfaces: [\(interfaces)]\n\(text)".write(
                    toFile: file, atomically: true, encoding: .utf8)
                _ = try await lab.startBalancer(file: file, options: [])
                try await expectBrokers(lab)
            }
        }
    }
}
