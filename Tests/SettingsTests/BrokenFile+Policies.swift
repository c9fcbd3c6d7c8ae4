// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// What happens to connections without a route.
    static let policies = [
        BrokenFile(
            "a missing default",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: wep}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:42: "default" goes to cluster "wep", which does not exist; did \
                you mean "web"?
                """),
        BrokenFile(
            "a missing cluster for clients without TLS",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: web, non_tls: http}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:56: "non_tls" goes to cluster "http", which does not exist; \
                there are: web, mail
                """),
        BrokenFile(
            "an unknown way to reject",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: web, reject: rst}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:55: "reject" is "rst"; write alert, reset, close or drop
                """),
        BrokenFile(
            "an unknown reach of wildcards",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: web, wildcards: onelabel}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:58: "wildcards" is "onelabel"; write any_depth or one_label; \
                did you mean "one_label"?
                """),
        BrokenFile(
            "a hello too small to be of use",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: web, hello: {max_size: 100}}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:65: "max_size" is "100"; write a size from 512 to 64KiB, for \
                example 16KiB
                """),
        BrokenFile(
            "a hello beyond the hard limit",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: web, hello: {max_size: 65KiB}}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:65: "max_size" is "65KiB"; write a size from 512 to 64KiB, for \
                example 16KiB
                """),
        BrokenFile(
            "a size with an unknown unit",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: web, hello: {max_size: 16KB}}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:65: "max_size" is "16KB"; write a size from 512 to 64KiB, for \
                example 16KiB
                """),
        BrokenFile(
            "a time limit in words",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: web, hello: {timeout: never}}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:64: "timeout" is "never"; write a duration from 100ms to 1h, \
                for example 500ms, 10s, 1m or 24h
                """),
        BrokenFile(
            "a default that is not there",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes: {a.example.com: web}
                hello:
                  on_timeout: default
                  on_too_large: default

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:6:19: "on_timeout" is "default", but listener "tls" has none; \
                write its "default" cluster, or reject here
                sluice.yaml:7:21: "on_too_large" is "default", but listener "tls" has none; \
                write its "default" cluster, or reject here
                """),
    ]
}
