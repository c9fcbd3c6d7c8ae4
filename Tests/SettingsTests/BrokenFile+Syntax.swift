// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// What is no YAML, or no configuration at all.
    static let syntax = [
        BrokenFile(
            "an empty file",
            "",
            errors: """
                sluice.yaml: nothing is configured here; write at least "listeners" and \
                "clusters"
                """),
        BrokenFile(
            "comments alone",
            """
            # nothing yet

            """,
            errors: """
                sluice.yaml: nothing is configured here; write at least "listeners" and \
                "clusters"
                """),
        BrokenFile(
            "a null document",
            """
            ---

            """,
            errors: """
                sluice.yaml: nothing is configured here; write at least "listeners" and \
                "clusters"
                """),
        BrokenFile(
            "a scalar",
            """
            hello

            """,
            errors: """
                sluice.yaml:1:1: the file is "hello"; write a mapping of the keys instance, \
                interface, interfaces, interface_index, attach, listeners, clusters, source, resolver, \
                limits, splicing, workers, log
                """),
        BrokenFile(
            "a list",
            """
            - a
            - b

            """,
            errors: """
                sluice.yaml:1:1: the file is a list; write a mapping of the keys instance, \
                interface, interfaces, interface_index, attach, listeners, clusters, source, resolver, \
                limits, splicing, workers, log
                """),
        BrokenFile(
            "an empty mapping",
            """
            {}

            """,
            errors: """
                sluice.yaml:1:1: "listeners" is missing; write a mapping of listener names to \
                listeners
                sluice.yaml:1:1: "clusters" is missing; write a mapping of cluster names to \
                clusters
                """),
        BrokenFile(
            "two documents",
            """
            a: 1
            ---
            b: 2

            """,
            errors: """
                sluice.yaml:2:1: YAML syntax: a second document begins here; write one
                """),
        BrokenFile(
            "a tab",
            """
            listeners:
            	web:

            """,
            errors: """
                sluice.yaml:2:1: YAML syntax: found character that cannot start any token \
                while scanning for the next token that begins in line 2; indent with spaces, \
                not tabs
                """),
        BrokenFile(
            "an unclosed quote",
            """
            instance: "sluice
            attach: auto

            """,
            errors: """
                sluice.yaml:3:1: YAML syntax: found unexpected end of stream while scanning a \
                quoted scalar that begins in line 1
                """),
        BrokenFile(
            "an unclosed list",
            """
            interfaces: [eth0, eth1
            attach: auto

            """,
            errors: """
                sluice.yaml:2:7: YAML syntax: did not find expected ',' or ']' while parsing \
                a flow sequence that begins in line 1
                """),
        BrokenFile(
            "an end in the middle of a list",
            """
            instance: a
            interfaces: [eth0,
            """,
            errors: """
                sluice.yaml:2:19: YAML syntax: did not find expected node content while parsing a \
                flow node that begins in line 2
                """),
        BrokenFile(
            "wrong indentation",
            """
            listeners:
              a:
                  address: 192.0.2.1:443
                default: web

            """,
            errors: """
                sluice.yaml:4:5: YAML syntax: did not find expected key while parsing a block \
                mapping that begins in line 2
                """),
        BrokenFile(
            "a wildcard without quotes",
            """
            listeners:
              a:
                routes:
                  *.example.com: web

            """,
            errors: """
                sluice.yaml:4:8: YAML syntax: did not find expected alphabetic or numeric \
                character while scanning an alias that begins in line 4; put quotes around \
                text that begins with a star, as in "*.example.com"
                """),
        BrokenFile(
            "an IPv6 address without quotes",
            """
            listeners:
              a:
                address: [2001:db8::1]:443

            """,
            errors: """
                sluice.yaml:3:27: YAML syntax: did not find expected key while parsing a \
                block mapping that begins in line 3; put quotes around IPv6 addresses, for \
                example "[2001:db8::1]:443"
                """),
        BrokenFile(
            "a regular expression between double quotes",
            #"""
            listeners:
              a:
                routes: {"~kafka(\d)": web}

            """#,
            errors: #"""
                sluice.yaml:3:22: YAML syntax: found unknown escape character while parsing a quoted \#
                scalar that begins in line 3; put regular expressions between single quotes, as in \#
                '~kafka(\d+)'
                """#),
        BrokenFile(
            "an unknown alias",
            """
            instance: *name

            """,
            errors: """
                sluice.yaml:1:11: YAML syntax: found undefined alias; put quotes around text \
                that begins with a star, as in "*.example.com"
                """),
        BrokenFile(
            "a control character",
            """
            instance: a
            # bell \u{7}

            """,
            errors: """
                sluice.yaml:2:8: YAML syntax: control characters are not allowed
                """),
        BrokenFile(
            "a list as key",
            """
            [a, b]: 1

            """,
            errors: """
                sluice.yaml:1:1: a key is a list; write plain text
                sluice.yaml:1:1: "listeners" is missing; write a mapping of listener names to \
                listeners
                sluice.yaml:1:1: "clusters" is missing; write a mapping of cluster names to \
                clusters
                """),
    ]
}
