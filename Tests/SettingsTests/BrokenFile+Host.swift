// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// Instance, interfaces, attachment and workers.
    static let host = [
        BrokenFile(
            "an instance with a dot",
            """
            instance: my.instance

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:11: "instance" is "my.instance"; write 1 to 32 letters, digits, \
                "-" or "_"
                """),
        BrokenFile(
            "an instance with a slash",
            """
            instance: ../other

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:11: "instance" is "../other"; write 1 to 32 letters, digits, \
                "-" or "_"
                """),
        BrokenFile(
            "an instance with a letter that is not ASCII",
            """
            instance: schütz

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:11: "instance" is "schütz"; write 1 to 32 letters, digits, "-" \
                or "_"
                """),
        BrokenFile(
            "an instance that is a list",
            """
            instance: [a]

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:11: "instance" is a list; write 1 to 32 letters, digits, "-" or \
                "_"
                """),
        BrokenFile(
            "an empty value",
            """
            instance:
            attach: auto

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:1: "instance" is empty; write 1 to 32 letters, digits, "-" or "_"
                """),
        BrokenFile(
            "an unknown kind of attachment",
            """
            attach: tc

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:9: "attach" is "tc"; write auto, tcx or clsact; did you mean \
                "tcx"?
                """),
        BrokenFile(
            "a kind of attachment unlike any other",
            """
            attach: bridge

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:9: "attach" is "bridge"; write auto, tcx or clsact
                """),
        BrokenFile(
            "a choice that is a mapping",
            """
            attach: {kind: tcx}

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:9: "attach" is a mapping; write auto, tcx or clsact
                """),
        BrokenFile(
            "splicing neither on nor off",
            """
            splicing: maybe

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:11: "splicing" is "maybe"; write on or off
                """),
        BrokenFile(
            "no workers",
            """
            workers: 0

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:10: "workers" is "0"; write a whole number from 1 to 64
                """),
        BrokenFile(
            "workers in words",
            """
            workers: two

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:10: "workers" is "two"; write a whole number from 1 to 64
                """),
        BrokenFile(
            "workers below zero",
            """
            workers: -1

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:10: "workers" is "-1"; write a whole number from 1 to 64
                """),
        BrokenFile(
            "workers beyond any number",
            """
            workers: 99999999999999999999

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:10: "workers" is "99999999999999999999"; write a whole number \
                from 1 to 64
                """),
        BrokenFile(
            "an interface name that is too long",
            """
            interface: a-very-long-interface

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:12: "interface" is "a-very-long-interface"; write an \
                interface's name or index, for example eth0 or 2
                """),
        BrokenFile(
            "interface index zero",
            """
            interface: 0

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:12: "interface" is "0"; write an interface's name or index, for \
                example eth0 or 2
                """),
        BrokenFile(
            "an interface twice",
            """
            interfaces: [eth0, 7, eth0]
            interface_index: 7

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:23: interface eth0 is named twice; write it once
                sluice.yaml:2:18: interface 7 is named twice; write it once
                """),
        BrokenFile(
            "an interface index that is a name",
            """
            interface_index: eth0

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:18: "interface_index" is "eth0"; write an interface's index, \
                for example 2
                """),
        BrokenFile(
            "an interface that is a mapping",
            """
            interfaces: [{name: eth0}]

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:14: "interfaces" holds a mapping; write an interface's name or \
                index, for example eth0 or 2
                """),
        BrokenFile(
            "no interface in a list",
            """
            interfaces: []

            """,
            rest: listenerAndClusters,
            errors: """
                sluice.yaml:1:13: "interfaces" is an empty list; write an interface's name or \
                index, for example eth0 or 2
                """),
    ]
}
