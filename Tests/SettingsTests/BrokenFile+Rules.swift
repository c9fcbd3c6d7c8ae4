// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    /// A listener with one rule, whose text begins in line 5, column 9.
    private static func rule(_ name: String, _ text: String, errors: String) -> BrokenFile {
        BrokenFile(
            name,
            "listeners:\n  tls:\n    address: 192.0.2.1:443\n    rules:\n      - \(text)\n",
            rest: twoClusters, errors: "sluice.yaml:\(errors)")
    }

    /// Rules.
    static let rules = [
        rule(
            "a rule to a missing cluster", "{sni: a.test, to: wbe}",
            errors: """
                5:27: "to" goes to cluster "wbe", which does not exist; did you mean "web"?
                """),
        rule(
            "a rule with a misspelt key", "{sin: a.test, to: web}",
            errors: """
                5:10: unknown key "sin"; did you mean "sni"?
                """),
        rule(
            "a rule that does nothing", "{sni: a.test}",
            errors: """
                5:9: a rule does nothing; write one of "to", "split" and "reject"
                """),
        rule(
            "a rule that does two things", "{sni: a.test, to: web, reject: drop}",
            errors: """
                5:9: a rule does "to" and "reject"; write one of "to", "split" and "reject"
                """),
        rule(
            "a rule that asks nothing", "{to: web}",
            errors: """
                5:9: a rule asks nothing of clients; write "sni", "sni_regex", "alpn", "source", \
                "source_file", "tls", "min_tls" or "ech", or use "default"
                """),
        rule(
            "a rule that is a word", "web",
            errors: """
                5:9: a rule is "web"; write a mapping, for example {sni: a.test, to: web}
                """),
        rule(
            "a rule for every name by a star", "{sni: \"*\", to: web}",
            errors: """
                5:15: "sni" is "*"; write a server name, for example www.example.com or \
                "*.example.com"; leave "sni" out to match every name
                """),
        rule(
            "a list of names with an address", "{sni: [a.test, 10.0.0.1], to: web}",
            errors: """
                5:24: "sni" holds "10.0.0.1"; write a server name, for example www.example.com or \
                "*.example.com"; clients never send an address as server name (RFC 6066)
                """),
        rule(
            "a block with too long a prefix", "{source: 10.0.0.0/33, to: web}",
            errors: """
                5:18: "source" is "10.0.0.0/33"; write an address or a block, for example \
                10.0.0.0/8 or "2001:db8::/32"
                """),
        rule(
            "a file of sources that is not there", "{source_file: nowhere.txt, to: web}",
            errors: """
                5:23: "source_file" is "nowhere.txt", which cannot be read: no such file; check the \
                path (its place is relative to this file)
                """),
        rule(
            "an unknown version of TLS", "{sni: a.test, min_tls: 1.4, to: web}",
            errors: """
                5:32: "min_tls" is "1.4"; write 1.0, 1.1, 1.2 or 1.3
                """),
        rule(
            "a name of a client without TLS", "{sni: a.test, tls: off, to: web}",
            errors: """
                5:10: "sni" is for clients that speak TLS, but "tls" is off; write two rules
                """),
        rule(
            "a name beside an expression", "{sni: a.test, sni_regex: b, to: web}",
            errors: """
                5:23: "sni_regex" stands beside "sni"; write two rules
                """),
        rule(
            "an expression that is not closed", "{sni_regex: 'a(b', to: web}",
            errors: """
                5:21: "sni_regex" is "a(b"; write a regular expression, for example \
                'kafka-(\\d+)\\.example\\.com'; at byte 2: the group is not closed
                """),
        rule(
            "an expression with an anchor", "{sni_regex: '^a$', to: web}",
            errors: """
                5:21: "sni_regex" is "^a$"; write a regular expression, for example \
                'kafka-(\\d+)\\.example\\.com'; at byte 1: the whole name is matched anyway; leave \
                "^" out
                """),
        rule(
            "a derived cluster without an expression", "{sni: a.test, to: we$1}",
            errors: """
                5:27: "to" is "we$1", but no "sni_regex" has groups for it; write one, or the \
                name of a cluster
                """),
        rule(
            "a derived cluster of too few groups", "{sni_regex: '(a)b', to: we$2}",
            errors: """
                5:33: "to" is "we$2", but "sni_regex" has 1 groups
                """),
        rule(
            "a derived cluster that can never exist", "{sni_regex: 'k(\\d)', to: kafka$1}",
            errors: """
                5:34: "to" is "kafka$1", but no cluster has a name of that form
                """),
        rule(
            "a split to a missing cluster", "{sni: a.test, split: {web: 1, mial: 1}}",
            errors: """
                5:39: "split" goes to cluster "mial", which does not exist; did you mean "mail"?
                """),
        rule(
            "a split without weight", "{sni: a.test, split: {web: 0}}",
            errors: """
                5:23: no cluster of "split" has a weight; give one to some
                """),
        rule(
            "a split by fractions", "{sni: a.test, split: {web: 0.9, mail: 1}}",
            errors: """
                5:36: the weight of "web" is "0.9"; write a whole number from 0 to 65535
                """),
        rule(
            "a split as a list", "{sni: a.test, split: [web, mail]}",
            errors: """
                5:30: "split" is a list; write a mapping of cluster names to weights
                """),
        rule(
            "a sticky rule without a split", "{sni: a.test, to: web, sticky: source}",
            errors: """
                5:32: "sticky" is for rules with "split"; leave it out
                """),
        rule(
            "an unknown way to reject", "{sni: a.test, reject: tarpit}",
            errors: """
                5:31: "reject" is "tarpit"; write alert, reset, close or drop
                """),
        BrokenFile(
            "rules as a mapping",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                rules: {a.test: web}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:4:12: "rules" is a mapping; write a list of rules
                """),
        BrokenFile(
            "a rule that repeats a route",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes: {a.test: web}
                rules:
                  - {sni: [b.test, A.test], to: mail}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:6:9: "a.test" stands in line 4 already; write it once
                """),
        BrokenFile(
            "a rule that repeats a rule",
            """
            listeners:
              tls:
                address: 192.0.2.1:443
                rules:
                  - {sni: a.test, alpn: h2, to: web}
                  - {sni: A.test, alpn: h2, to: mail}

            """,
            rest: twoClusters,
            errors: """
                sluice.yaml:6:9: this rule asks the same of clients as what stands in line 5; \
                write it once
                """),
    ]
}
