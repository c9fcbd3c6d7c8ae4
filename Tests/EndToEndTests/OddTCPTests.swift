// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEndBeside {
    /// What stacks do that Linux's does not, packet by packet: Tests/Lab/odd_tcp.py plays the
    /// client, the endpoint or both, and looks at both wires.
    @Suite(.needsBalancer) struct `Odd TCP stacks` {}
}

/// DP-22: RFC 5961, 3.
extension EndToEndBeside.`Odd TCP stacks` {
    @Test(arguments: Family.allCases)
    func `that forge resets all over the numbers end no flow`(family: Family) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("resets.blind", family)
            try await lab.play("resets.blind_on_linux", family)
        }
    }

    @Test(arguments: Family.allCases)
    func `that reset within the window are challenged by the other end`(
        family: Family
    ) async throws {
        try await withOddLab(family) { lab in try await lab.play("resets.in_window", family) }
    }

    @Test(arguments: Family.allCases)
    func `that reset with the exact number end both sides, and the row goes`(
        family: Family
    ) async throws {
        try await withOddLab(family) { lab in try await lab.play("resets.exact", family) }
    }
}

/// DP-23, DP-24, DP-25.
extension EndToEndBeside.`Odd TCP stacks` {
    /// 10 s, or 60 s with `SLUICE_LARGE=1`.
    private static var halfClosedSeconds: String { isLarge ? "60" : "10" }

    static var isLarge: Bool {
        ProcessInfo.processInfo.environment["SLUICE_LARGE"] == "1"
    }

    /// Both families at once: it takes its time.
    @Test
    func `that close their half are sent all the rest, and the row stays until both are done`()
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for family in Family.allCases {
                group.addTask {
                    try await withOddLab(family) { lab in
                        try await lab.play("endings.half_close", family, Self.halfClosedSeconds)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(arguments: Family.allCases)
    func `that repeat a FIN, since its ACK was lost, get another ACK and no reset`(
        family: Family
    ) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("endings.last_ack_lost", family)
        }
    }

    @Test(arguments: Family.allCases)
    func `that close at the same moment end a flow like others`(family: Family) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("endings.simultaneous", family)
        }
    }

    /// DP-25: in the linger of 3 s, and a second into it.
    @Test(arguments: Family.allCases)
    func `that come again from a port just used need one SYN`(family: Family) async throws {
        try await withOddLab(family) { lab in
            for (how, pause) in [
                ("client", "0"), ("client", "1"), ("endpoint", "0"), ("reset", "0"),
            ] {
                try await lab.play("endings.same_port", family, how, pause)
            }
            try await lab.play("endings.same_port_linux", family)
        }
    }
}

/// DP-26.
extension EndToEndBeside.`Odd TCP stacks` {
    @Test(arguments: Family.allCases)
    func `that ask whether the other still lives are answered by it`(
        family: Family
    ) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("probes.keepalive", family)
            try await lab.play("probes.keepalive_of_linux", family)
        }
    }

    @Test(arguments: Family.allCases)
    func `that have no room are probed, and heard when they have`(family: Family) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("probes.zero_window", family)
            try await lab.play("probes.zero_window_of_linux", family)
        }
    }

    @Test(arguments: Family.allCases)
    func `that send urgent data are heard as they meant it`(family: Family) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("probes.urgent", family)
            try await lab.play("probes.urgent_of_linux", family)
        }
    }
}
