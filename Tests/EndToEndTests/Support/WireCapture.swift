// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WireChecking
import WireTypes

extension Lab {
    /// Captures both of the balancer's wires while `body` runs, and checks them against each other.
    ///
    /// Start connections inside of `body`: those whose SYN was not captured are not checked. They
    /// are paired by their ClientHellos; where these are alike (canned ones), by `flowdump`, which
    /// lists them as long as `closed_linger` says. Relayed connections count as `unpaired`.
    ///
    /// What arrives is captured before the datapath sees it, what leaves behind it: losses of
    /// `lab loss`, in the namespaces of client and endpoint, are outside of both captures.
    func whileCapturing(
        at listeners: Set<TransportAddress> = Lab.listeners, _ body: () async throws -> Void
    ) async throws -> WireCheck {
        var captures: [(interface: String, command: Command)] = []
        for interface in layout.interfaces {
            captures.append((interface, try await startCapture(interface)))
        }
        try await body()
        let pairs = try await pairs()
        // The kernel hands packets to tcpdump by the second (TPACKET_V3), and what it still holds
        // when tcpdump ends is lost.
        try await Task.sleep(for: .milliseconds(1300))
        for capture in captures { try await end(capture.command) }
        let files = try captures.map { try Capture(contentsOf: captureFile($0.interface)) }
        return files.count == 1
            ? WireCheck(oneArm: files[0], listeners: listeners, pairs: pairs)
            : WireCheck(front: files[0], back: files[1], listeners: listeners, pairs: pairs)
    }

    /// The listener of `Configuration.kafka` and `.echo`, in both families.
    static let listeners = Set(
        Family.allCases.compactMap { TransportAddress($0.join($0.vip, 443)) })

    private func captureFile(_ interface: String) -> String { "\(state)/both-\(interface).pcap" }

    /// Waits until it has begun. A buffer of 64 MiB: a capture with holes proves nothing.
    private func startCapture(_ interface: String) async throws -> Command {
        let command = try start(
            .balancer,
            [
                "tcpdump", "-i", interface, "-n", "-s", "0", "-B", "65536",
                "--time-stamp-precision=nano", "-w", captureFile(interface),
                "tcp or icmp or icmp6",
            ])
        let isListening = await isTrue(within: .seconds(5)) {
            command.printed.errors.contains("listening on")
        }
        guard isListening else {
            throw Command.Failure(description: "no capture on \(interface): \(command.printed)")
        }
        return command
    }

    private func end(_ capture: Command) async throws {
        capture.send(SIGINT)
        let end = try await capture.wait(.seconds(20))
        // "N packets captured", "N packets received by filter", "0 packets dropped by kernel".
        let lines = end.errors.split(separator: "\n").map { $0.split(separator: " ") }
        func number(_ name: String) -> Substring? {
            lines.first { $0.dropFirst().joined(separator: " ") == "packets \(name)" }?.first
        }
        let captured = number("captured")
        guard captured != nil, captured == number("received by filter"),
            number("dropped by kernel") == "0"
        else { throw Command.Failure(description: "a capture with holes: \(end)") }
    }

    private func pairs() async throws -> [FlowPair] {
        try await rows("mode spliced").compactMap { row in
            let words = [row.client, row.listenerAddress, row.balancer, row.endpoint]
            let ends = words.compactMap { TransportAddress($0) }
            guard ends.count == 4 else { return nil }
            return FlowPair(
                front: FlowTuple(source: ends[0], destination: ends[1]),
                back: FlowTuple(source: ends[2], destination: ends[3]))
        }
    }
}
