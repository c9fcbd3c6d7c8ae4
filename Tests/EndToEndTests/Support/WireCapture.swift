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
    /// `lab loss`, in the namespaces of client and endpoint, are outside of both captures, and so is
    /// what the emulator of the layout `wan` does.
    ///
    /// besidePlainForwarding: leaves out what clients and endpoints say to each other without a
    /// balancer, which is a leak otherwise.
    func whileCapturing(
        at listeners: Set<TransportAddress> = Lab.listeners, besidePlainForwarding: Bool = false,
        _ body: () async throws -> Void
    ) async throws -> WireCheck {
        var captures: [(interface: String, command: Command)] = []
        var filter = "(tcp or icmp or (icmp6 and ip6[40] < 128))"
        for family in Family.allCases where besidePlainForwarding {
            filter += " and not (host \(family.client) and host \(family.endpoint))"
        }
        for interface in layout.interfaces {
            captures.append((interface, try await startCapture(interface, filter)))
        }
        try await body()
        let pairs = try await pairs()
        // What follows the last answer, and a moment up to which both captures are whole.
        try await Task.sleep(for: .milliseconds(200))
        let end = UInt64(Date().timeIntervalSince1970 * 1e9)
        for capture in captures { try await self.end(capture.command) }
        let files = try captures.map { capture in
            var file = try Capture(contentsOf: captureFile(capture.interface))
            file.frames.removeAll { $0.time > end }
            return file
        }
        return files.count == 1
            ? WireCheck(oneArm: files[0], listeners: listeners, pairs: pairs)
            : WireCheck(front: files[0], back: files[1], listeners: listeners, pairs: pairs)
    }

    /// The listener of `Configuration.kafka` and `.echo`, in both families.
    static let listeners = Set(
        Family.allCases.compactMap { TransportAddress($0.join($0.vip, 443)) })

    private func captureFile(_ interface: String) -> String { "\(state)/both-\(interface).pcap" }

    /// Waits until it has begun. A buffer of 64 MiB: a capture with holes proves nothing.
    private func startCapture(_ interface: String, _ filter: String) async throws -> Command {
        let command = try start(
            .balancer,
            [
                "tcpdump", "-i", interface, "-n", "-s", "0", "-B", "65536",
                "--time-stamp-precision=nano", "-w", captureFile(interface),
                filter,
            ])
        let isListening = await isTrue(within: .seconds(5)) {
            command.printed.errors.contains("listening on")
        }
        guard isListening else {
            throw Command.Failure(description: "no capture on \(interface): \(command.printed)")
        }
        return command
    }

    /// Ends a capture when it has written all that passed until now. The kernel hands packets over
    /// by the second (TPACKET_V3), and what it still holds when tcpdump ends is lost.
    private func end(_ capture: Command) async throws {
        let isWhole = try await isTrue(within: .seconds(20)) {
            // It answers by a line: "…: 5 packets captured, 5 packets received by filter, 0 …".
            capture.send(SIGUSR1)
            try await Task.sleep(for: .milliseconds(50))
            let counts = capture.printed.errors.split(separator: "\n").last.map(numbers) ?? []
            return counts.count == 3 && counts[0] == counts[1] && counts[2] == 0
        }
        capture.send(SIGINT)
        let output = try await capture.wait(.seconds(20))
        guard isWhole else {
            throw Command.Failure(description: "a capture with holes: \(output)")
        }
    }

    /// The numbers that stand in front of "packets".
    private func numbers(_ line: Substring) -> [Int] {
        let words = line.split(separator: " ")
        return zip(words, words.dropFirst()).compactMap { number, unit in
            unit.hasPrefix("packet") ? Int(number) : nil
        }
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
