// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// Log, source and limits.
    static let limits = [
        BrokenFile(
            "an unknown log format and level",
            """
            log: {format: xml, level: warn}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:15: "format" is "xml"; write human or json
                sluice.yaml:1:27: "level" is "warn"; write trace, debug, info, notice, \
                warning, error or critical; did you mean "warning"?
                """),
        BrokenFile(
            "log as a word",
            """
            log: json

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:6: "log" is "json"; write a mapping of the keys format, level, \
                connections
                """),
        BrokenFile(
            "an unknown key of log",
            """
            log: {lvel: info}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:7: unknown key "lvel"; did you mean "level"?
                """),
        BrokenFile(
            "a connection log in a place that depends on where sluice is started",
            """
            log: {connections: logs/connections}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:20: "connections" is "logs/connections"; write off, stderr, stdout \
                or the absolute path of a file; the path must begin with /, and end in a name
                """),
        BrokenFile(
            "a source address that is a name",
            """
            source: {addresses: [lb.example.com]}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:22: "addresses" holds "lb.example.com"; write an IP address, \
                for example 192.0.2.1 or "2001:db8::1"
                """),
        BrokenFile(
            "a source address twice",
            """
            source:
              addresses:
                - 10.0.0.9
                - 10.0.0.9

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:4:7: source address 10.0.0.9 is named twice; write it once
                """),
        BrokenFile(
            "source addresses that no endpoint can answer to",
            """
            source: {addresses: [127.0.0.2, 224.0.0.1, 255.255.255.255, "ff02::1"]}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:22: "addresses" holds "127.0.0.2"; write an IP address, for example \
                192.0.2.1 or "2001:db8::1"; nobody else can answer to that
                sluice.yaml:1:33: "addresses" holds "224.0.0.1"; write an IP address, for example \
                192.0.2.1 or "2001:db8::1"; no host has that one
                sluice.yaml:1:44: "addresses" holds "255.255.255.255"; write an IP address, for \
                example 192.0.2.1 or "2001:db8::1"; no host has that one
                sluice.yaml:1:61: "addresses" holds "ff02::1"; write an IP address, for example \
                192.0.2.1 or "2001:db8::1"; no host has that one
                """),
        BrokenFile(
            "more source ports than the datapath has ranges for",
            """
            source: {ports: [1, 3, 5, 7, 9, 11, 13, 15, 17]}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:17: "ports" has 9 ranges; write at most 8
                """),
        BrokenFile(
            "the unspecified source address",
            """
            source: {addresses: 0.0.0.0}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:21: "addresses" is "0.0.0.0"; write an IP address, for example \
                192.0.2.1 or "2001:db8::1"
                """),
        BrokenFile(
            "a range of ports backwards",
            """
            source: {ports: 20000-10000}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:17: "ports" is "20000-10000"; write a port or range of ports, \
                for example 10000-32767
                """),
        BrokenFile(
            "port zero",
            """
            source: {ports: [0-10]}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:18: "ports" holds "0-10"; write a port or range of ports, for \
                example 10000-32767
                """),
        BrokenFile(
            "a port too many",
            """
            source: {ports: "10000-20000, 60000-65536"}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:17: "ports" is "10000-20000, 60000-65536"; write a port or \
                range of ports, for example 10000-32767
                """),
        BrokenFile(
            "ranges of ports that overlap",
            """
            source: {ports: [10000-20000, 15000-16000]}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:31: ports 15000-16000 overlap 10000-20000; write each port once
                """),
        BrokenFile(
            "flows below the least",
            """
            limits: {flows: 1}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:17: "flows" is "1"; write a whole number from 16 to 16777216
                """),
        BrokenFile(
            "a watermark without percent",
            """
            limits: {watermark: 90}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:21: "watermark" is "90"; write a percentage from 1% to 100%, \
                for example 90%; the % is missing
                """),
        BrokenFile(
            "a watermark over 100",
            """
            limits: {watermark: 101%}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:21: "watermark" is "101%"; write a percentage from 1% to 100%, \
                for example 90%
                """),
        BrokenFile(
            "a duration without unit",
            """
            limits: {idle_timeout: 3600}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:24: "idle_timeout" is "3600"; write a duration from 1s to \
                8760h, for example 500ms, 10s, 1m or 24h; the unit is missing
                """),
        BrokenFile(
            "a duration in days",
            """
            limits: {idle_timeout: 1d}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:24: "idle_timeout" is "1d"; write a duration from 1s to 8760h, \
                for example 500ms, 10s, 1m or 24h
                """),
        BrokenFile(
            "a duration with a fraction",
            """
            limits: {closed_linger: 1.5s}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:25: "closed_linger" is "1.5s"; write a duration from 100ms to \
                10m, for example 500ms, 10s, 1m or 24h
                """),
        BrokenFile(
            "a duration of nothing",
            """
            limits: {closed_linger: 0s}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:25: "closed_linger" is "0s"; write a duration from 100ms to \
                10m, for example 500ms, 10s, 1m or 24h
                """),
        BrokenFile(
            "a limit with underscores",
            """
            limits: {handshakes: 65_536}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:22: "handshakes" is "65_536"; write a whole number from 16 to \
                16777216
                """),
        BrokenFile(
            "half-classified none",
            """
            limits: {half_classified: 0}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:27: "half_classified" is "0"; write a whole number from 1 to \
                1000000
                """),
    ]
}
