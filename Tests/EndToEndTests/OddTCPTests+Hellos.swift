// SPDX-License-Identifier: Apache-2.0
import Testing

/// Hellos in pieces of all kinds; HelloTests has those that Linux can make.
extension EndToEndBeside.`Odd TCP stacks` {
    @Test(arguments: Family.allCases)
    func `that cut, repeat and shuffle their hello are heard as if it were whole`(
        family: Family
    ) async throws {
        try await withOddLab(family) { lab in
            for script in ["any_order", "overlapping", "cut_anew"] {
                try await lab.play("hellos.\(script)", family)
            }
            for length in ["6000", "15800"] {
                try await lab.play("hellos.large", family, length)
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `that have tiny windows get all of it, bit by bit`(family: Family) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("hellos.small_endpoint_window", family)
            try await lab.play("hellos.small_client_window", family)
        }
    }

    @Test(arguments: Family.allCases)
    func `that reset in any state leave no row and no port behind`(family: Family) async throws {
        let eightPorts: @Sendable (inout Configuration) -> Void = {
            // One that were still waited for would show in the counters before the end.
            $0.policy = ["hello:", "  timeout: 1s"]
            $0.settings += ["workers: 1", "source:", "  ports: [\"10000-10007\"]"]
        }
        try await withOddLab(family, eightPorts) { lab in
            try await lab.play("deaths.everywhere", family)
        }
    }
}
