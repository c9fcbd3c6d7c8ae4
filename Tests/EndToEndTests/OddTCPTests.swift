// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// What stacks do that Linux's does not, packet by packet: Tests/Lab/odd_tcp.py plays the
    /// client, the endpoint or both, and looks at both wires.
    @Suite(.needsBalancer) struct `Odd TCP stacks` {}
}

/// DP-22: RFC 5961, 3.
extension EndToEnd.`Odd TCP stacks` {
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
