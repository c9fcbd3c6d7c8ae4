// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// Keys that are unknown or repeated.
    static let keys = [
        BrokenFile(
            "an unknown key with a typo",
            """
            instanse: a

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:1: unknown key "instanse"; did you mean "instance"?
                """),
        BrokenFile(
            "an unknown key with letters swapped",
            """
            wrokers: 2

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:1: unknown key "wrokers"; did you mean "workers"?
                """),
        BrokenFile(
            "an unknown key unlike any other",
            """
            frontend: a

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:1: unknown key "frontend"; accepted here: instance, interface, \
                interfaces, interface_index, attach, listeners, clusters, source, resolver, limits, \
                splicing, workers, log
                """),
        BrokenFile(
            "a key in capitals",
            """
            Attach: auto

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:1: unknown key "Attach"; did you mean "attach"?
                """),
        BrokenFile(
            "a control character in a key",
            """
            "a\\tb\\e[31m": 1

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:1: unknown key "a\\u{9}b\\u{1b}[31m"; accepted here: instance, \
                interface, interfaces, interface_index, attach, listeners, clusters, source, resolver, \
                limits, splicing, workers, log
                """),
        BrokenFile(
            "a key twice",
            """
            attach: auto
            attach: tcx

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:2:1: duplicate key "attach"; first in line 1
                """),
        BrokenFile(
            "a key three times",
            """
            attach: auto
            attach: tcx
            "attach": clsact

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:2:1: duplicate key "attach"; first in line 1
                sluice.yaml:3:1: duplicate key "attach"; first in line 1
                """),
        BrokenFile(
            "a key twice that begins with an escape",
            #"""
            "\"a": 1
            "\"a": 2

            """#,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:1: key ""a" is repeated below; write it once
                """),
        BrokenFile(
            "a list twice as a key",
            """
            [a]: 1
            [a]: 2

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:1: key "<uncovertable>" is repeated below; write it once
                """),
        BrokenFile(
            "two keys twice",
            """
            workers: 1
            attach: auto
            attach: tcx
            workers: 2

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:3:1: duplicate key "attach"; first in line 2
                sluice.yaml:4:1: duplicate key "workers"; first in line 1
                """),
    ]

    /// Several errors in one file.
    static let many = [
        BrokenFile(
            "errors in all sections",
            """
            instance: a b
            listeners:
              tls:
                adress: 192.0.2.1:443
                routes:
                  a b.example.com: web
                  c.example.com: mial
            clusters:
              web: []
              mail: [10.0.0.1]
            limits:
              flows: many

            """,
            errors: """
                sluice.yaml:1:11: "instance" is "a b"; write 1 to 32 letters, digits, "-" or "_"
                sluice.yaml:4:5: unknown key "adress"; did you mean "address"?
                sluice.yaml:6:7: "a b.example.com" is no server name; write labels of 1 to 63 \
                letters, digits, "-" or "_" with dots between, for example www.example.com
                sluice.yaml:7:22: "c.example.com" goes to cluster "mial", which does not \
                exist; did you mean "mail"?
                sluice.yaml:9:8: cluster "web" has no endpoints; write 1 to 4096
                sluice.yaml:10:10: an endpoint is "10.0.0.1"; write an IP address and port, \
                for example 10.0.0.1:443 or "[2001:db8::1]:443"; the port is missing
                sluice.yaml:12:10: "flows" is "many"; write a whole number from 16 to 16777216
                """),
        BrokenFile(
            "duplicates in three mappings and an error behind them",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                reject: alert
                reject: close
                routes:
                  "*.a.test": web
                  '*.a.test': web
            clusters:
              web: [10.0.0.1:443]
              web: [10.0.0.2:443]
            workers: 0

            """,
            errors: """
                sluice.yaml:5:5: duplicate key "reject"; first in line 4
                sluice.yaml:8:7: duplicate key "*.a.test"; first in line 7
                sluice.yaml:11:3: duplicate key "web"; first in line 10
                sluice.yaml:12:10: "workers" is "0"; write a whole number from 1 to 64
                """),
    ]
}
