// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// Listeners and their addresses.
    static let listeners = [
        BrokenFile(
            "listeners as a list",
            """
            listeners: [a]

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:1:12: "listeners" is a list; write a mapping of listener names to \
                listeners
                """),
        BrokenFile(
            "no listener",
            """
            listeners: {}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:1:12: "listeners" is an empty mapping; write a mapping of \
                listener names to listeners
                """),
        BrokenFile(
            "nothing under listeners",
            """
            listeners:

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:1:1: "listeners" is empty; write a mapping of listener names to \
                listeners
                """),
        BrokenFile(
            "listeners missing",
            """
            instance: a

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:1:1: "listeners" is missing; write a mapping of listener names to \
                listeners
                """),
        BrokenFile(
            "a listener that is an address",
            """
            listeners:
              tls: 192.0.2.1:443

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:8: "tls" is "192.0.2.1:443"; write a mapping of the keys \
                address, addresses, mode, accept_proxy, routes, routes_file, rules, wildcards, default, \
                non_tls, reject, hello, max_connections, access, per_source
                """),
        BrokenFile(
            "a listener with nothing",
            """
            listeners:
              tls:

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:3: "address" is missing in listener "tls"; write an IP address \
                and port, for example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of \
                ports as in 192.0.2.1:9000-9099
                sluice.yaml:2:3: listener "tls" has none of "routes", "routes_file", "rules" and \
                "default"; write at least one of them
                """),
        BrokenFile(
            "a listener's name with a blank",
            """
            listeners:
              my tls: {address: 192.0.2.1:443, default: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:3: "my tls" is no name for one of "listeners"; write 1 to 63 letters, \
                digits, "-", "_" or "."
                """),
        BrokenFile(
            "a typo in a key",
            """
            listeners:
              tls:
                adress: 192.0.2.1:443
                default: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:3:5: unknown key "adress"; did you mean "address"?
                """),
        BrokenFile(
            "a key of another section",
            """
            listeners:
              tls: {address: 192.0.2.1:443, default: web, weight: 3}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:47: unknown key "weight"; accepted here: address, addresses, \
                mode, accept_proxy, routes, routes_file, rules, wildcards, default, non_tls, reject, hello, \
                max_connections, access, per_source
                """),
        BrokenFile(
            "an address without port",
            """
            listeners:
              tls: {address: 192.0.2.1, default: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:18: "address" is "192.0.2.1"; write an IP address and port, for \
                example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports as in \
                192.0.2.1:9000-9099; the port is missing
                """),
        BrokenFile(
            "a host name as address",
            """
            listeners:
              tls: {address: lb.example.com:443, default: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:18: "address" is "lb.example.com:443"; write an IP address and \
                port, for example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports \
                as in 192.0.2.1:9000-9099; host names are not looked up
                """),
        BrokenFile(
            "port zero",
            """
            listeners:
              tls: {address: 192.0.2.1:0, default: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:18: "address" is "192.0.2.1:0"; write an IP address and port, \
                for example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports as in \
                192.0.2.1:9000-9099
                """),
        BrokenFile(
            "a port beyond 65535",
            """
            listeners:
              tls: {address: 192.0.2.1:65536, default: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:18: "address" is "192.0.2.1:65536"; write an IP address and \
                port, for example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports \
                as in 192.0.2.1:9000-9099
                """),
        BrokenFile(
            "an address with five parts",
            """
            listeners:
              tls: {address: 192.0.2.1.4:443, default: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:18: "address" is "192.0.2.1.4:443"; write an IP address and \
                port, for example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports \
                as in 192.0.2.1:9000-9099
                """),
        BrokenFile(
            "an IPv6 address without brackets",
            """
            listeners:
              tls: {address: "2001:db8::1:443", default: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:18: "address" is "2001:db8::1:443"; write an IP address and \
                port, for example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports \
                as in 192.0.2.1:9000-9099; IPv6 addresses are written in brackets
                """),
        BrokenFile(
            "a range of ports backwards",
            """
            listeners:
              tls: {address: 192.0.2.1:9099-9000, default: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:2:18: "address" is "192.0.2.1:9099-9000"; write an IP address and \
                port, for example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports \
                as in 192.0.2.1:9000-9099; the first port is the larger one
                """),
        BrokenFile(
            "a bad one among addresses",
            """
            listeners:
              tls:
                addresses:
                  - 192.0.2.1:443
                  - 192.0.2.2
                  - [192.0.2.3:443]
                default: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:9: "addresses" holds "192.0.2.2"; write an IP address and port, \
                for example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports as in \
                192.0.2.1:9000-9099; the port is missing
                sluice.yaml:6:9: "addresses" holds a list; write an IP address and port, for \
                example 192.0.2.1:443 or "[2001:db8::1]:443", or a range of ports as in \
                192.0.2.1:9000-9099
                """),
        BrokenFile(
            "an address twice in a listener",
            """
            listeners:
              tls:
                addresses: [192.0.2.1:443, 192.0.2.1:443]
                default: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:3:32: 192.0.2.1:443 is already an address of listener "tls" (line \
                3); an address belongs to one listener
                """),
        BrokenFile(
            "an address in two listeners",
            """
            listeners:
              a:
                address: 192.0.2.1:443
                default: web
              b:
                address: 192.0.2.1:443
                default: mail

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:6:14: 192.0.2.1:443 is already an address of listener "a" (line \
                3); an address belongs to one listener
                """),
        BrokenFile(
            "one IPv6 address in two spellings",
            """
            listeners:
              a:
                address: "[2001:db8::1]:443"
                default: web
              b:
                address: "[2001:DB8:0::1]:443"
                default: mail

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:6:14: [2001:db8::1]:443 is already an address of listener "a" \
                (line 3); an address belongs to one listener
                """),
        BrokenFile(
            "ranges of ports that overlap",
            """
            listeners:
              a:
                address: 192.0.2.1:9000-9010
                default: web
              b:
                address: 192.0.2.1:9005-9020
                default: mail

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:6:14: 192.0.2.1:9005 is already an address of listener "a" (line \
                3); an address belongs to one listener
                """),
        BrokenFile(
            "a listener name twice",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                default: web
              tls:
                address: 192.0.2.2:443
                default: web

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:5:3: duplicate key "tls"; first in line 2
                """),
    ]
}
