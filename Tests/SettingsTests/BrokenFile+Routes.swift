// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// Routes and their names.
    static let routes = [
        BrokenFile(
            "nowhere to go",
            """
            listeners:
              tls:
                address: 192.0.2.1:443

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:3: listener "tls" has none of "routes", "routes_file", "rules" and \
                "default"; write at least one of them
                """),
        BrokenFile(
            "empty routes and nowhere else to go",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:3: listener "tls" has none of "routes", "routes_file", "rules" and \
                "default"; write at least one of them
                """),
        BrokenFile(
            "routes and rules that are empty, and nowhere else to go",
            """
            listeners:
              tls: {address: 192.0.2.1:443, routes: {}, rules: []}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:3: listener "tls" has none of "routes", "routes_file", "rules" and \
                "default"; write at least one of them
                """),
        BrokenFile(
            "a server that speaks first once its client was turned away",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                default: web
                hello: {timeout: 5s, server_first_after: 5s}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:26: "server_first_after" is not shorter than "timeout", by which who \
                says nothing is turned away; write a shorter time, or a longer "timeout"
                """),
        BrokenFile(
            "routes as a list",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes: [web]

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:4:13: "routes" is a list; write a mapping of server names to \
                cluster names
                """),
        BrokenFile(
            "a route to a missing cluster",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  a.example.com: wbe

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:22: "a.example.com" goes to cluster "wbe", which does not \
                exist; did you mean "web"?
                """),
        BrokenFile(
            "a route to a cluster unlike any other",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  a.example.com: database

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:22: "a.example.com" goes to cluster "database", which does not \
                exist; there are: web, mail
                """),
        BrokenFile(
            "a route to nothing",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  a.example.com:

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: "a.example.com" is empty; write the name of a cluster
                """),
        BrokenFile(
            "a route to a list",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  a.example.com: [web, mail]

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:22: "a.example.com" is a list; write the name of a cluster
                """),
        BrokenFile(
            "a route twice",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  a.example.com: web
                  b.example.com: web
                  a.example.com: mail

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:7:7: duplicate key "a.example.com"; first in line 5
                """),
        BrokenFile(
            "a wildcard twice",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  "*.example.com": web
                  "*.example.com": mail

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:6:7: duplicate key "*.example.com"; first in line 5
                """),
        BrokenFile(
            "a name in two spellings",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  a.example.com: web
                  A.Example.COM.: mail

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:6:7: "a.example.com" stands in line 5 already; write it once
                """),
        BrokenFile(
            "a name with a blank",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  a example.com: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: "a example.com" is no server name; write labels of 1 to 63 \
                letters, digits, "-" or "_" with dots between, for example www.example.com
                """),
        BrokenFile(
            "a name with an empty label",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  a..example.com: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: "a..example.com" is no server name; write labels of 1 to 63 \
                letters, digits, "-" or "_" with dots between, for example www.example.com
                """),
        BrokenFile(
            "a name beyond ASCII",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  bücher.example: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: "bücher.example" is no server name; write international \
                names as clients send them, for example xn--bcher-kva.example
                """),
        BrokenFile(
            "a label of 64 letters",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: \
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is no \
                server name; write labels of 1 to 63 letters, digits, "-" or "_" with dots \
                between, for example www.example.com
                """),
        BrokenFile(
            "an IP address as name",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  10.0.0.1: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: "10.0.0.1" is an IP address, which clients never send as \
                server name (RFC 6066); write a name, or use "default"
                """),
        BrokenFile(
            "a star alone",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  "*": web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: "*" is no wildcard; use "default" for all other names
                """),
        BrokenFile(
            "a star inside a name",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  "a.*.com": web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: "a.*.com" is no wildcard; write "*." and a name, for example \
                "*.example.com"
                """),
        BrokenFile(
            "a star before letters",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  "*example.com": web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:7: "*example.com" is no wildcard; write "*." and a name, for \
                example "*.example.com"
                """),
    ]
}
