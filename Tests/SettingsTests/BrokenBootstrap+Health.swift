// SPDX-License-Identifier: Apache-2.0

extension BrokenBootstrap {
    private static let times =
        "timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1"

    private static func check(_ keys: String) -> Parts {
        Parts(cluster: "health_checks: [{\(times), \(keys)}]")
    }

    private static func outliers(_ keys: String) -> Parts {
        Parts(cluster: "outlier_detection: {\(keys)}")
    }

    /// Health checks and outlier detection of clusters.
    static let health = [
        BrokenBootstrap(
            "a health check that says little",
            Parts(cluster: "health_checks: [{timeout: 1s}]"),
            errors: """
                envoy.yaml:17:21: "interval" is missing in a health check; write a \
                duration in seconds from 0.1s to 3600s, for example 0.25s or 5s
                envoy.yaml:17:21: "healthy_threshold" is missing in a health check; \
                write a whole number from 1 to 100
                envoy.yaml:17:21: "unhealthy_threshold" is missing in a health check; \
                write a whole number from 1 to 100
                envoy.yaml:17:21: "tcp_health_check" is missing in a health check; write \
                a mapping, or "http_health_check"
                """),
        BrokenBootstrap(
            "no health check", Parts(cluster: "health_checks: []"),
            errors: """
                envoy.yaml:17:20: "health_checks" is an empty list; write a list of one \
                health check
                """),
        BrokenBootstrap(
            "two health checks",
            Parts(
                cluster: "health_checks: [{\(times), tcp_health_check: {}}, {tcp_health_check: {}}]"
            ),
            errors: """
                envoy.yaml:17:118: this is a second health check, and one is all; leave \
                it out
                """),
        BrokenBootstrap(
            "a check by gRPC", check("grpc_health_check: {}"),
            errors: """
                envoy.yaml:17:95: "grpc_health_check" is not supported; write \
                "tcp_health_check" or "http_health_check"
                """),
        BrokenBootstrap(
            "two checks in one", check("tcp_health_check: {}, http_health_check: {path: /}"),
            errors: """
                envoy.yaml:17:95: "tcp_health_check" stands beside "http_health_check"; \
                write one of them
                """),
        BrokenBootstrap(
            "a misspelt key of a check", check("tcp_health_chek: {}"),
            errors: """
                envoy.yaml:17:95: unknown key "tcp_health_chek"; did you mean \
                "tcp_health_check"?
                """),
        BrokenBootstrap(
            "a check of another port, with intervals that ours has not",
            check("alt_port: 80, unhealthy_edge_interval: 1s, tcp_health_check: {}"),
            errors: """
                envoy.yaml:17:95: "alt_port" is not supported; checks go where \
                connections go, so leave it out
                envoy.yaml:17:109: "unhealthy_edge_interval" is not supported; write \
                "unhealthy_interval"
                """),
        BrokenBootstrap(
            "a check by TLS", check("tls_options: {}, tcp_health_check: {}"),
            errors: """
                envoy.yaml:17:95: "tls_options" is not supported; leave it out; "health" \
                of sluice's own form has "check: tls" up to the ServerHello
                """),
        BrokenBootstrap(
            "a check that keeps its connection",
            check("reuse_connection: true, tcp_health_check: {}"),
            errors: """
                envoy.yaml:17:113: "reuse_connection" is "true"; write false, or leave \
                it out
                """),
        BrokenBootstrap(
            "an interval that is too long",
            Parts(
                cluster: "health_checks: [{timeout: 1s, interval: 7200s, unhealthy_threshold: 1, "
                    + "healthy_threshold: 1, tcp_health_check: {}}]"),
            errors: """
                envoy.yaml:17:45: "interval" is "7200s"; write a duration in seconds \
                from 0.1s to 3600s, for example 0.25s or 5s
                """),
        BrokenBootstrap(
            "a check by HEAD", check("http_health_check: {path: /, method: HEAD}"),
            errors: """
                envoy.yaml:17:132: "method" is "HEAD"; write GET
                """),
        BrokenBootstrap(
            "a check by HTTP/2", check("http_health_check: {path: /, codec_client_type: HTTP2}"),
            errors: """
                envoy.yaml:17:143: "codec_client_type" is "HTTP2"; write HTTP1; did you \
                mean "HTTP1"?
                """),
        BrokenBootstrap(
            "a check of no path", check("http_health_check: {}"),
            errors: """
                envoy.yaml:17:95: "path" is missing in "http_health_check"; write a path \
                of at most 1024 printable bytes, for example /healthz
                """),
        BrokenBootstrap(
            "statuses the wrong way round, and twice",
            check(
                "http_health_check: {path: /, expected_statuses: [{start: 300, end: 300}, "
                    + "{start: 400, end: 500}]}"),
            errors: """
                envoy.yaml:17:162: "end" is 300; write the status behind the last good \
                one
                envoy.yaml:17:168: this is a second range of statuses; write one
                """),
        BrokenBootstrap(
            "headers of a check",
            check("http_health_check: {path: /, request_headers_to_add: []}"),
            errors: """
                envoy.yaml:17:124: "request_headers_to_add" is not supported; leave it \
                out
                """),
        BrokenBootstrap(
            "something to send and nothing to receive",
            check("tcp_health_check: {send: {text: 00}}"),
            errors: """
                envoy.yaml:17:114: "send" is there, but nothing is to be received; write \
                "receive", or leave it out
                """),
        BrokenBootstrap(
            "two texts to receive",
            check("tcp_health_check: {receive: [{text: 00}, {text: 01}]}"),
            errors: """
                envoy.yaml:17:136: this is a second text to receive; write one
                """),
        BrokenBootstrap(
            "payloads that are none",
            check("tcp_health_check: {send: {text: 0g, binary: AA}, receive: [{}]}"),
            errors: """
                envoy.yaml:17:114: "send" has not one payload; write "text" or "binary"
                envoy.yaml:17:127: "text" is "0g"; write 1 to 4096 bytes in hexadecimal, \
                for example 000000FF
                envoy.yaml:17:139: "binary" is "AA"; write 1 to 4096 bytes in Base64, \
                for example UElORw==
                envoy.yaml:17:154: "receive" has not one payload; write "text" or \
                "binary"
                """),
        BrokenBootstrap(
            "outliers by rates", outliers("success_rate_minimum_hosts: 3"),
            errors: """
                envoy.yaml:17:25: "success_rate_minimum_hosts" is not supported; \
                endpoints are not judged by rates, so leave it out
                """),
        BrokenBootstrap(
            "half of the outliers", outliers("enforcing_consecutive_5xx: 50"),
            errors: """
                envoy.yaml:17:52: "enforcing_consecutive_5xx" is "50"; write 100, or \
                leave it out
                """),
        BrokenBootstrap(
            "failures of one's own that are not told apart",
            outliers("consecutive_local_origin_failure: 3"),
            errors: """
                envoy.yaml:17:25: "consecutive_local_origin_failure" counts no connects \
                while "split_external_local_origin_errors" is false; write \
                "consecutive_5xx"
                """),
        BrokenBootstrap(
            "failures of others alone",
            outliers("split_external_local_origin_errors: true, consecutive_5xx: 3"),
            errors: """
                envoy.yaml:17:67: "consecutive_5xx" counts no connects while \
                "split_external_local_origin_errors" is true; write \
                "consecutive_local_origin_failure"
                """),
        BrokenBootstrap(
            "another longest ejection",
            outliers("base_ejection_time: 5s, max_ejection_time: 20s"),
            errors: """
                envoy.yaml:17:68: "max_ejection_time" is 20s; it is ten times \
                "base_ejection_time", so write 50s, or leave it out
                """),
        BrokenBootstrap(
            "a share of nothing", outliers("max_ejection_percent: 0"),
            errors: """
                envoy.yaml:17:47: "max_ejection_percent" is "0"; write a whole number \
                from 1 to 100
                """),
        BrokenBootstrap(
            "ejections that end early",
            outliers("successful_active_health_check_uneject_host: true"),
            errors: """
                envoy.yaml:17:70: "successful_active_health_check_uneject_host" is \
                "true"; write false, or leave it out
                """),
        BrokenBootstrap(
            "a panic threshold in fractions, and zones",
            Parts(
                cluster: "common_lb_config: {healthy_panic_threshold: {value: 0.5}, "
                    + "zone_aware_lb_config: {}}"),
            errors: """
                envoy.yaml:17:57: "value" is "0.5"; write a whole number from 0 to 100
                envoy.yaml:17:63: "zone_aware_lb_config" is not supported; leave it out
                """),
    ]
}
