// SPDX-License-Identifier: Apache-2.0

import Testing

extension EndToEnd {
    /// Decision 0001: in a container whose /proc/sys is read-only, the FIB cannot be asked.
    @Suite struct `Packets whose route nobody tells` {
        private static let wrapper = [
            "unshare", "--mount", "bash", "-c",
            "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec \"$@\"",
            "bash",
        ]

        @Test(arguments: Family.allCases)
        func `go back the way they came`(family: Family) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(
                    Configuration.echo(family), wrapper: Self.wrapper)
                #expect(lab.logged("cannot switch on net.ipv*.conf.lo.forwarding") == 1)
                let talk = try lab.startTalk(
                    ["--count", "20", "--bytes", "20000"], at: .listener(family))
                try await talk.waitUntilOpen()
                try await talk.expectGood(20)
                #expect(try await lab.counter("drop_no_route") == 0)
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }
    }
}
