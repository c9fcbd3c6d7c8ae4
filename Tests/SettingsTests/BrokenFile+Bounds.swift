// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    private static func limits(_ name: String, _ line: String, _ error: String) -> BrokenFile {
        BrokenFile(
            name, "limits:\n  \(line)\n", rest: listenerAndClusters,
            errors: "sluice.yaml:2:" + error)
    }

    /// Bounds of connections and of sources.
    static let bounds = [
        limits(
            "no connection at all", "max_connections: 0",
            "20: \"max_connections\" is \"0\"; write a whole number from 1 to 16777216"),
        limits(
            "an access list of nobody", "access: {denied: reset}",
            "3: \"access\" names nobody; write \"allow\", \"allow_file\", \"deny\" or "
                + "\"deny_file\""),
        limits(
            "a block that may and may not", "access: {allow: 10.0.0.1, deny: [10.0.0.1/32]}",
            "36: 10.0.0.1/32 is in \"allow\" as well (line 2); write it in one of them"),
        limits(
            "a block that is a name", "access: {deny: bad.test}",
            "18: \"deny\" is \"bad.test\"; write an address or a block, for example 10.0.0.0/8 "
                + "or \"2001:db8::/32\""),
        limits(
            "a list of blocks that is not there", "access: {deny_file: /nowhere/blocked.txt}",
            "23: \"deny_file\" is \"/nowhere/blocked.txt\", which cannot be read: no such "
                + "file; check the path"),
        limits(
            "another word for denied", "access: {deny: 10.0.0.1, denied: alert}",
            "36: \"denied\" is \"alert\"; write drop or reset"),
        limits(
            "a source without bounds", "per_source: {dry_run: on}",
            "3: \"per_source\" bounds nothing; write \"connections\" or \"rate\""),
        limits(
            "a burst without a rate", "per_source: {connections: 5, burst: 3}",
            "32: \"burst\" is of a \"rate\", which is missing; write it"),
        limits(
            "a rate without a time", "per_source: {rate: 5}",
            "22: \"rate\" is \"5\"; write a number of connections in a second or a minute, for "
                + "example 20/s or 100/m; the /s is missing"),
        limits(
            "a prefix that no address has", "per_source: {rate: 5/s, prefix_v4: 33}",
            "38: \"prefix_v4\" is \"33\"; write a whole number from 0 to 32"),
    ]
}
