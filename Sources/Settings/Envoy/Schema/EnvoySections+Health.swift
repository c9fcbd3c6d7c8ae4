// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Foundation
internal import WireTypes

/// The keys of one of `health_checks`.
enum EnvoyHealthCheck: Section {
    static let path = "health_checks"
    private static let pause = Form<Duration>.seconds(.milliseconds(100)...(.seconds(3600)))
    static let timeout = RequiredKey(
        "timeout", Form<Duration>.seconds(.milliseconds(10)...(.seconds(600))), "`health.timeout`")
    static let interval = RequiredKey(
        "interval", pause, "`health.interval`, from the start of a check to the start of the next")
    static let healthyThreshold = RequiredKey(
        "healthy_threshold", .count(1...100), "`health.rise`")
    static let unhealthyThreshold = RequiredKey(
        "unhealthy_threshold", .count(1...100),
        "`health.fall`, also for wrong statuses, for which Envoy needs one check; a warning then")
    static let unhealthyInterval = ValueKey(
        "unhealthy_interval", pause.orAbsent("as interval"), standard: nil,
        "`health.down_interval`; checks of one that comes back follow `interval`")
    static let jitter = ValueKey(
        "interval_jitter_percent", .count(0...50), standard: 0,
        "`health.jitter`, by which intervals are shorter, too")
    static let reuse = ValueKey(
        "reuse_connection", .only(false), standard: false,
        "nothing: each check has a connection of its own")
    static let tcp = GroupKey(
        "tcp_health_check", "a mapping, or \"http_health_check\"",
        "`health.check`: `tcp`, or `send` where it sends or receives")
    static let http = GroupKey(
        "http_health_check", "a mapping with \"path\"", "`health.check: http`")

    static let keys: [any AnyKey] = [
        timeout, interval, healthyThreshold, unhealthyThreshold, unhealthyInterval, jitter, reuse,
        tcp, http,
    ]
    static let ignored = ["name"]
    static let refused = [
        "alt_port": "checks go where connections go, so leave it out",
        "always_log_health_check_failures": "the log has a line for each change, so leave it out",
        "always_log_health_check_success": "the log has a line for each change, so leave it out",
        "custom_health_check": "write \"tcp_health_check\" or \"http_health_check\"",
        "event_log_path": "the log has a line for each change, so leave it out",
        "event_logger": "the log has a line for each change, so leave it out",
        "event_service": "the log has a line for each change, so leave it out",
        "grpc_health_check": "write \"tcp_health_check\" or \"http_health_check\"",
        "healthy_edge_interval": "leave it out",
        "initial_jitter": "first checks come at random moments anyway, so leave it out",
        "interval_jitter": "write \"interval_jitter_percent\"",
        "no_traffic_healthy_interval":
            "checks come at \"interval\" with and without traffic, so leave it out",
        "no_traffic_interval":
            "checks come at \"interval\" with and without traffic, so leave it out",
        "tls_options":
            "leave it out; \"health\" of sluice's own form has \"check: tls\" up to the ServerHello",
        "transport_socket_match_criteria": "leave it out",
        "unhealthy_edge_interval": "write \"unhealthy_interval\"",
    ]
}

/// The keys of `http_health_check`.
enum EnvoyHTTPCheck: Section {
    static let path = "http_health_check"
    static let path_ = RequiredKey("path", .requestPath, "`health.path`")
    static let host = ValueKey(
        "host", Form.serverName.orAbsent("the cluster's name"), standard: nil,
        "`health.server_name`; without it, the cluster's name")
    static let statuses = GroupKey(
        "expected_statuses", "a list of one mapping of \"start\" and \"end\"",
        "`health.status`; without it, 200")
    static let method = ValueKey(
        "method", .choice, standard: EnvoyMethod.get, "nothing: it is GET")
    static let codec = ValueKey(
        "codec_client_type", .choice, standard: EnvoyCodec.http1, "nothing: it is HTTP/1.1")

    static let keys: [any AnyKey] = [path_, host, statuses, method, codec]
    static let refused = [
        "receive": "the status alone counts, so leave it out",
        "request_headers_to_add": "leave it out",
        "request_headers_to_remove": "leave it out",
        "response_buffer_size": "leave it out",
        "retriable_statuses":
            "a wrong status is one bad check of \"unhealthy_threshold\" anyway, so leave it out",
        "send": "GET has no body, so leave it out",
        "service_name_matcher": "leave it out",
    ]
}

/// `method` of a check.
enum EnvoyMethod: String, CaseIterable, Sendable {
    case get = "GET"
}

/// `codec_client_type` of a check.
enum EnvoyCodec: String, CaseIterable, Sendable {
    case http1 = "HTTP1"
}

/// The keys of one of `expected_statuses`.
enum EnvoyStatuses: Section {
    static let path = "expected_statuses"
    static let first = RequiredKey("start", .count(100...599), "`health.status`")
    static let end = RequiredKey(
        "end", .count(101...600), "`health.status`, which is written with the last one")

    static let keys: [any AnyKey] = [first, end]
}

/// The keys of `tcp_health_check`.
enum EnvoyTCPCheck: Section {
    static let path = "tcp_health_check"
    static let send = GroupKey("send", "a mapping of \"text\" or \"binary\"", "`health.send`")
    static let receive = GroupKey(
        "receive", "a list of one mapping of \"text\" or \"binary\"", "`health.expect`")

    static let keys: [any AnyKey] = [send, receive]
    static let refused = [
        "proxy_protocol_config": "leave it out; \"transport_socket\" says it for connections"
    ]
}

/// The keys of `send` and of one of `receive`.
enum EnvoyPayload: Section {
    static let path = "send, receive"
    static let text = ValueKey(
        "text", Form.hexadecimal.orAbsent("none"), standard: nil, "the bytes, in hexadecimal")
    static let binary = ValueKey(
        "binary", Form.base64.orAbsent("none"), standard: nil, "the bytes, in Base64")

    static let keys: [any AnyKey] = [text, binary]
}

extension Form where Value == ProbeBytes {
    static let hexadecimal = Form(
        accepted: "1 to \(ProbeBytes.limit) bytes in hexadecimal, for example 000000FF",
        parse: { text in ProbeBytes("hex:" + text).flatMap { $0.bytes.isEmpty ? nil : $0 } },
        show: \.description)

    static let base64 = Form(
        accepted: "1 to \(ProbeBytes.limit) bytes in Base64, for example UElORw==",
        parse: { text in
            Data(base64Encoded: text).flatMap { data in
                (1...ProbeBytes.limit).contains(data.count) ? ProbeBytes([UInt8](data)) : nil
            }
        }, show: \.description)
}

extension Form where Value == Bool {
    /// What can only be one of the two.
    static func only(_ value: Bool) -> Form {
        Form(
            accepted: "\(value), or leave it out", parse: { $0 == "\(value)" ? value : nil },
            show: { "\($0)" })
    }
}
