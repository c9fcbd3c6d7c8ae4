// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// Clusters and their endpoints.
    static let clustersAndEndpoints = [
        BrokenFile(
            "clusters missing",
            "",
            rest: oneListener,
            errors: """
                sluice.yaml:1:1: "clusters" is missing; write a mapping of cluster names to \
                clusters
                """),
        BrokenFile(
            "clusters as a word",
            """
            clusters: web

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:1:11: "clusters" is "web"; write a mapping of cluster names to \
                clusters
                """),
        BrokenFile(
            "no cluster",
            """
            clusters: {}

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:1:11: "clusters" is an empty mapping; write a mapping of cluster \
                names to clusters
                """),
        BrokenFile(
            "names that are none",
            """
            clusters:
              web: {endpoints_dns: ["10.0.0.1:443", "-a.test:1", db.test, "db.test:1", "DB.test.:1"]}

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:25: "endpoints_dns" holds "10.0.0.1:443"; write a host name and port, \
                for example db.internal:5432
                sluice.yaml:2:41: "endpoints_dns" holds "-a.test:1"; write a host name and port, \
                for example db.internal:5432
                sluice.yaml:2:54: "endpoints_dns" holds "db.test"; write a host name and port, \
                for example db.internal:5432
                sluice.yaml:2:76: "endpoints_dns" has db.test:1 already; write it once
                """),
        BrokenFile(
            "names and addresses",
            """
            clusters:
              web: {endpoints_dns: "db.test:1", endpoints: [10.0.0.1:1]}

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:9: "endpoints_dns" is another place for endpoints; leave one of \
                them out
                """),
        BrokenFile(
            "a name server by name",
            """
            resolver: ns.test:53
            clusters: {web: [10.0.0.1:1]}

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:1:11: "resolver" is "ns.test:53"; write an IPv4 address and port, for \
                example 10.0.0.53:53; host names are not looked up
                """),
        BrokenFile(
            "a cluster without endpoints",
            """
            clusters:
              web: []

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:8: cluster "web" has no endpoints; write 1 to 4096
                """),
        BrokenFile(
            "a cluster with nothing",
            """
            clusters:
              web:

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:3: "web" is empty; write a list of endpoints, for example \
                [10.0.0.1:443]
                """),
        BrokenFile(
            "a long form without endpoints",
            """
            clusters:
              web:
                connect_timeout: 1s

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:3: "endpoints" is missing in cluster "web"; write a list of \
                endpoints
                """),
        BrokenFile(
            "an unknown version of the PROXY protocol",
            """
            clusters:
              web: {proxy_protocol: v3, endpoints: [10.0.0.1:443]}

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:25: "proxy_protocol" is "v3"; write off, v1 or v2; \
                did you mean "v1"?
                """),
        BrokenFile(
            "a long form with no endpoint",
            """
            clusters:
              web:
                endpoints: []

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:3:16: cluster "web" has no endpoints; write 1 to 4096
                """),
        BrokenFile(
            "an endpoint in place of a list",
            """
            clusters:
              web: 10.0.0.1:443

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:8: "web" is "10.0.0.1:443"; write a list of endpoints, for \
                example [10.0.0.1:443]
                """),
        BrokenFile(
            "an unknown key",
            """
            clusters:
              web:
                endpoint: [10.0.0.1:443]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:3:5: unknown key "endpoint"; did you mean "endpoints"?
                """),
        BrokenFile(
            "a cluster name twice",
            """
            clusters:
              web: [10.0.0.1:443]
              web: [10.0.0.2:443]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:3:3: duplicate key "web"; first in line 2
                """),
        BrokenFile(
            "a cluster name that is too long",
            """
            clusters:
              web: [10.0.0.1:443]
              cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc: [10.0.0.1:443]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:3:3: \
                "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc" is no name \
                for one of "clusters"; write 1 to 63 letters, digits, "-", "_" or "."
                """),
        BrokenFile(
            "a time limit below the least",
            """
            clusters:
              web: {connect_timeout: 1ms, endpoints: [10.0.0.1:443]}

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:26: "connect_timeout" is "1ms"; write a duration from 10ms to \
                10m, for example 500ms, 10s, 1m or 24h
                """),
        BrokenFile(
            "an endpoint without port",
            """
            clusters:
              web: [10.0.0.1]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:9: an endpoint is "10.0.0.1"; write an IP address and port, for \
                example 10.0.0.1:443 or "[2001:db8::1]:443"; the port is missing
                """),
        BrokenFile(
            "an endpoint by a name without a port",
            """
            clusters:
              web: [db]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:9: an endpoint is "db"; write an IP address and port, for example \
                10.0.0.1:443 or "[2001:db8::1]:443"; names belong to "endpoints_dns", with a port
                """),
        BrokenFile(
            "an endpoint by name",
            """
            clusters:
              web: [db.example.com:443]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:9: an endpoint is "db.example.com:443"; write an IP address and \
                port, for example 10.0.0.1:443 or "[2001:db8::1]:443"; names belong to \
                "endpoints_dns"
                """),
        BrokenFile(
            "the unspecified address as endpoint",
            """
            clusters:
              web: [0.0.0.0:443]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:9: an endpoint is "0.0.0.0:443"; write an IP address and port, \
                for example 10.0.0.1:443 or "[2001:db8::1]:443"
                """),
        BrokenFile(
            "an endpoint that is a list",
            """
            clusters:
              web: [[10.0.0.1:443]]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:9: an endpoint is a list; write an IP address and port, for \
                example 10.0.0.1:443 or "[2001:db8::1]:443"
                """),
        BrokenFile(
            "an endpoint without address",
            """
            clusters:
              web:
                endpoints:
                  - weight: 5

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:4:9: "address" is missing in an endpoint; write an IP address and \
                port, for example 10.0.0.1:443 or "[2001:db8::1]:443"
                """),
        BrokenFile(
            "an unknown key of an endpoint",
            """
            clusters:
              web:
                endpoints:
                  - address: 10.0.0.1:443
                    wieght: 5

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:5:9: unknown key "wieght"; did you mean "weight"?
                """),
        BrokenFile(
            "a bad address in the long form",
            """
            clusters:
              web:
                endpoints:
                  - address: 10.0.0.256:443

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:4:18: "address" is "10.0.0.256:443"; write an IP address and \
                port, for example 10.0.0.1:443 or "[2001:db8::1]:443"
                """),
        BrokenFile(
            "a weight below zero",
            """
            clusters:
              web: [{address: 10.0.0.1:443, weight: -1}]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:41: "weight" is "-1"; write a whole number from 0 to 65535
                """),
        BrokenFile(
            "a weight over the greatest",
            """
            clusters:
              web: [{address: 10.0.0.1:443, weight: 65536}]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:41: "weight" is "65536"; write a whole number from 0 to 65535
                """),
        BrokenFile(
            "a weight that is a fraction",
            """
            clusters:
              web: [{address: 10.0.0.1:443, weight: 0.5}]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:41: "weight" is "0.5"; write a whole number from 0 to 65535
                """),
        BrokenFile(
            "a weight that is empty",
            """
            clusters:
              web:
                endpoints:
                  - address: 10.0.0.1:443
                    weight:

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:5:9: "weight" is empty; write a whole number from 0 to 65535
                """),
        BrokenFile(
            "an endpoint twice",
            """
            clusters:
              web:
                - 10.0.0.1:443
                - 10.0.0.2:443
                - 10.0.0.1:443

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:5:7: endpoint 10.0.0.1:443 is already in cluster "web" (line 3); \
                use "weight" to give it a larger share
                """),
        BrokenFile(
            "an endpoint that is a listener",
            """
            clusters:
              web: [192.0.2.1:443]

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:9: endpoint 192.0.2.1:443 is an address of listener "a"; \
                connections would come back, so write another address
                """),
        BrokenFile(
            "an endpoint that is a listener of all addresses",
            """
            listeners:
              a: {address: "0.0.0.0:443", default: web}
              b: {address: "[::]:444", default: web}
            clusters:
              web: [127.0.0.1:443, "[::1]:444", 127.0.0.1:444]

            """,
            errors: """
                sluice.yaml:5:9: endpoint 127.0.0.1:443 is an address of listener "a"; \
                connections would come back, so write another address
                sluice.yaml:5:24: endpoint [::1]:444 is an address of listener "b"; \
                connections would come back, so write another address
                """),
        BrokenFile(
            "an anchor used in two clusters, wrong once",
            """
            clusters:
              web: &both [10.0.0.1]
              mail: *both

            """,
            rest: oneListener,
            errors: """
                sluice.yaml:2:15: an endpoint is "10.0.0.1"; write an IP address and port, \
                for example 10.0.0.1:443 or "[2001:db8::1]:443"; the port is missing
                """),
    ]
}
