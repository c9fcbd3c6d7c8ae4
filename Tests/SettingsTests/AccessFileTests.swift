// SPDX-License-Identifier: Apache-2.0

import Balancing
import Settings
import Testing

@Suite struct `File of who may connect`: FilesBeside {
    private func load(_ key: String, _ list: String) throws
        -> Result<Configuration, ConfigurationErrors>
    {
        try load(
            """
            limits: {access: {\(key): list.txt}}
            listeners: {tls: {address: 192.0.2.1:443, default: web}}
            clusters: {web: [10.0.0.1:443]}

            """, beside: ["list.txt": list])
    }

    @Test func `bans nobody when it is empty`() throws {
        let configuration = try load("deny_file", "# the last one was lifted\n").get()
        #expect(
            configuration.limits.access.denied.isEmpty
                && configuration.limits.access.allowed.isEmpty)
        let banned = try load("deny_file", "192.0.2.7 # since Monday\n").get()
        #expect(banned.limits.access.denied.count == 1)
    }

    /// Else an accident would let nobody in, or everybody.
    @Test func `is refused when it would let nobody in`() throws {
        let complaint = complaint(of: try load("allow_file", "# nobody\n"))
        #expect(
            complaint?.hasPrefix(
                "sluice.yaml:1:31: \"allow_file\" is \"list.txt\", which is empty") == true,
            "\(complaint ?? "taken")")
    }
}
