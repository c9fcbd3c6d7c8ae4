// SPDX-License-Identifier: Apache-2.0
import Testing

/// DP-27, PR-07, PR-08: what a SYN may ask for and does not get.
extension EndToEndBeside.`Odd TCP stacks` {
    @Test(arguments: Family.allCases)
    func `that offer ECN do without, and nothing of it shows on the other side`(
        family: Family
    ) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("openings.congestion_notification", family)
            try await lab.play("openings.marked_answers", family)
            for (client, endpoint) in [("1", "0"), ("0", "1"), ("1", "1")] {
                try await lab.play(
                    "openings.congestion_notification_of_linux", family, client, endpoint)
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `that offer options which nobody can keep are not promised them`(
        family: Family
    ) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("openings.strange_options", family)
            try await lab.play("openings.multipath_of_linux", family)
        }
    }

    @Test(arguments: Family.allCases)
    func `that put their hello into the SYN need no second SYN`(family: Family) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("openings.data_in_syn", family, "100")
            try await lab.play("openings.data_in_syn", family, "1400")
            try await lab.play("openings.data_in_syn_of_linux", family)
        }
    }
}

/// DP-09, and what stacks of today and yesterday offer.
extension EndToEndBeside.`Odd TCP stacks` {
    @Test(arguments: Family.allCases)
    func `of every kind move data to endpoints of every kind, spliced once they are known`(
        family: Family
    ) async throws {
        try await withOddLab(family, { $0.addEndpointKinds(family) }) { lab in
            try await lab.play("options.every_pair", family, Self.isLarge ? "19" : "5")
        }
    }

    @Test(arguments: Family.allCases)
    func `see the window that the other offers, whatever the two scales`(
        family: Family
    ) async throws {
        try await withOddLab(family) { lab in
            try await lab.play("options.scales", family)
            try await lab.play("options.unscaled", family)
        }
    }

    @Test(arguments: Family.allCases)
    func `that Linux becomes by sysctl move data both ways`(family: Family) async throws {
        try await withOddLab(family) { lab in try await lab.play("options.linux", family) }
    }

    @Test(arguments: Family.allCases)
    func `that send large segments where all links carry them are not cut short`(
        family: Family
    ) async throws {
        let widen: @Sendable (Lab) async throws -> Void = { lab in
            for (role, link) in [
                (Lab.Role.client, "net0"), (.balancer, "front"), (.balancer, "back"),
                (.endpoint, "net0"),
            ] {
                let line = ["ip", "link", "set", link, "mtu", "9000"]
                let change = try await lab.run(role, line)
                #expect(change.isSuccess, "\(change)")
            }
        }
        try await withOddLab(family, prepare: widen) { lab in
            try await lab.play("options.jumbo", family)
        }
    }
}
