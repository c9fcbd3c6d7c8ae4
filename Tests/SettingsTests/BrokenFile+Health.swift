// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    private static func cluster(_ name: String, _ keys: String, errors: String) -> BrokenFile {
        BrokenFile(
            name, "clusters:\n  web:\n    \(keys)\n    endpoints: [10.0.0.1:443, 10.0.0.2:443]\n",
            rest: oneListener, errors: errors)
    }

    /// How endpoints are checked, and what follows.
    static let health = [
        cluster(
            "an unknown kind of check", "health: {check: https}",
            errors: """
                sluice.yaml:3:21: "check" is "https"; write tcp, tls, http or send; did you mean \
                "http"?
                """),
        cluster(
            "a misspelt key of health", "health: {intervall: 5s}",
            errors: """
                sluice.yaml:3:14: unknown key "intervall"; did you mean "interval"?
                """),
        cluster(
            "an interval without unit", "health: {interval: 5}",
            errors: """
                sluice.yaml:3:24: "interval" is "5"; write a duration from 100ms to 1h, for \
                example 500ms, 10s, 1m or 24h; the unit is missing
                """),
        cluster(
            "a fall of nothing", "health: {fall: 0}",
            errors: """
                sluice.yaml:3:20: "fall" is "0"; write a whole number from 1 to 100
                """),
        cluster(
            "a path for a TCP check", "health: {path: /up}",
            errors: """
                sluice.yaml:3:14: "path" is for "check: http", and "check" is "tcp"; leave it out
                """),
        cluster(
            "a relative path", "health: {check: http, path: up}",
            errors: """
                sluice.yaml:3:33: "path" is "up"; write a path of at most 1024 printable bytes, \
                for example /healthz
                """),
        cluster(
            "a status that is none", "health: {check: http, status: 2xx}",
            errors: """
                sluice.yaml:3:35: "status" is "2xx"; write a status code or a range of them, for \
                example 200-399
                """),
        cluster(
            "half a byte", "health: {check: send, expect: \"hex:0\"}",
            errors: """
                sluice.yaml:3:5: "check" is "send", but nothing is expected; write "expect"
                sluice.yaml:3:35: "expect" is "hex:0"; write a text of at most 4096 bytes, or \
                hex: and pairs of digits
                """),
        cluster(
            "an ejection of everything and more", "ejection: {max_share: 101%}",
            errors: """
                sluice.yaml:3:27: "max_share" is "101%"; write a percentage from 1% to 100%, for \
                example 90%
                """),
        cluster(
            "an unknown action", "on_down: kill",
            errors: """
                sluice.yaml:3:14: "on_down" is "kill"; write keep, reset or reset_slowly
                """),
        cluster(
            "an unknown way out", "when_empty: rest",
            errors: """
                sluice.yaml:3:17: "when_empty" is "rest"; write try_all, close, alert, reset, or \
                cluster and the name of one; did you mean "reset"?
                """),
        cluster(
            "another cluster that is none", "when_empty: cluster wep",
            errors: """
                sluice.yaml:3:17: "when_empty" of cluster "web" goes to cluster "wep", which does \
                not exist; did you mean "web"?
                """),
        cluster(
            "itself as the way out", "when_empty: cluster web",
            errors: """
                sluice.yaml:3:17: "when_empty" of cluster "web" leads back to it; write another \
                cluster
                """),
    ]
}
