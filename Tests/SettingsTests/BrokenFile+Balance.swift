// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    private static func cluster(_ name: String, _ keys: String, errors: String) -> BrokenFile {
        BrokenFile(
            name, "clusters:\n  web:\n    \(keys)\n    endpoints: [10.0.0.1:443, 10.0.0.2:443]\n",
            rest: oneListener, errors: errors)
    }

    /// How connections are shared out.
    static let balance = [
        cluster(
            "a policy in another spelling", "balance: round-robin",
            errors: """
                sluice.yaml:3:14: "balance" is "round-robin"; write round_robin, \
                least_connections, random_of_two, source_hash, maglev, ring or least_time; did \
                you mean "round_robin"?
                """),
        cluster(
            "an unknown hash key", "hash_key: url",
            errors: """
                sluice.yaml:3:15: "hash_key" is "url"; write source, source_port or sni
                """),
        cluster(
            "a table size that is no prime", "table_size: 65536",
            errors: """
                sluice.yaml:3:17: "table_size" is "65536"; write a prime number up to 5000011, \
                for example 65537
                """),
        BrokenFile(
            "a table smaller than its cluster",
            """
            clusters:
              web:
                table_size: 2
                endpoints: [10.0.0.1:443, 10.0.0.2:443, 10.0.0.3:443]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:4:16: cluster "web" has 3 endpoints, but "table_size" is 2; write a \
                larger one
                """),
        cluster(
            "a load factor of one", "load_factor: 100%",
            errors: """
                sluice.yaml:3:18: "load_factor" is "100%"; write a percentage from 101% to 1000%, \
                for example 125%
                """),
        cluster(
            "a slow start without a unit", "slow_start: 30",
            errors: """
                sluice.yaml:3:17: "slow_start" is "30"; write off, or a duration from 1s to 1h, \
                for example 500ms, 10s, 1m or 24h; the unit is missing
                """),
        cluster(
            "a panic threshold without its sign", "panic_threshold: 50",
            errors: """
                sluice.yaml:3:22: "panic_threshold" is "50"; write a percentage from 0% to 100%, \
                for example 50%; the % is missing
                """),
        BrokenFile(
            "a priority beyond the last",
            """
            clusters:
              web: [{address: 10.0.0.1:443, priority: 256}]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:43: "priority" is "256"; write a whole number from 0 to 255
                """),
    ]
}
