// SPDX-License-Identifier: Apache-2.0

/// The keys of `outlier_detection`.
enum EnvoyOutliers: Section {
    static let path = "outlier_detection"
    static let isSplit = ValueKey(
        "split_external_local_origin_errors", .trueFalse, standard: false,
        "which of the two counts connects that fail: `consecutive_local_origin_failure` (true), or "
            + "`consecutive_5xx`")
    static let serverErrors = ValueKey(
        "consecutive_5xx", .count(1...1000), standard: EnvoyDefaults.failures,
        "`ejection.failures`: to a TCP proxy, a connect that fails is one")
    static let localFailures = ValueKey(
        "consecutive_local_origin_failure", .count(1...1000), standard: EnvoyDefaults.failures,
        "`ejection.failures`")
    static let base = ValueKey(
        "base_ejection_time", .seconds(.milliseconds(100)...(.seconds(3600))),
        standard: EnvoyDefaults.ejectionBase, "`ejection.base`")
    static let longest = ValueKey(
        "max_ejection_time",
        Form<Duration>.seconds(.milliseconds(100)...(.seconds(36_000))).orAbsent("300s"),
        standard: nil,
        "nothing: it is ten times `base_ejection_time`; a warning where Envoy's 300s is not")
    static let share = ValueKey(
        "max_ejection_percent", .count(1...100), standard: EnvoyDefaults.ejectionShare,
        "`ejection.max_share`, those that are down counted in; a warning where it lets none go")
    static let uneject = ValueKey(
        "successful_active_health_check_uneject_host", Form.only(false).orAbsent("true"),
        standard: nil,
        "nothing: an ejection lasts its time; a warning where there are health checks, too")
    static let enforceServerErrors = ValueKey(
        "enforcing_consecutive_5xx", .only(100), standard: 100, "nothing: all are")
    static let enforceLocalFailures = ValueKey(
        "enforcing_consecutive_local_origin_failure", .only(100), standard: 100, "nothing: all are")
    static let enforceGatewayFailures = ValueKey(
        "enforcing_consecutive_gateway_failure", .only(0), standard: 0, "nothing: none is")
    static let enforceSuccessRate = ValueKey(
        "enforcing_success_rate", Form.only(0).orAbsent("100"), standard: nil,
        "nothing: none is; without it, a warning from 5 endpoints on")
    static let enforceLocalSuccessRate = ValueKey(
        "enforcing_local_origin_success_rate", Form.only(0).orAbsent("100"), standard: nil,
        "the same")
    static let enforceShare = ValueKey(
        "enforcing_failure_percentage", .only(0), standard: 0, "nothing: none is")
    static let enforceLocalShare = ValueKey(
        "enforcing_failure_percentage_local_origin", .only(0), standard: 0, "nothing: none is")

    static let keys: [any AnyKey] = [
        isSplit, serverErrors, localFailures, base, longest, share, uneject, enforceServerErrors,
        enforceLocalFailures, enforceGatewayFailures, enforceSuccessRate, enforceLocalSuccessRate,
        enforceShare, enforceLocalShare,
    ]
    /// How often Envoy looks whether ejections are over; here each has a timer.
    static let ignored = ["interval"]
    static let refused = [
        "always_eject_one_host": "write a \"max_ejection_percent\" that lets one go",
        "consecutive_gateway_failure": "write \"consecutive_5xx\"",
        "detect_degraded_hosts": "leave it out",
        "failure_percentage_minimum_hosts": rates,
        "failure_percentage_request_volume": rates,
        "failure_percentage_threshold": rates,
        "max_ejection_time_jitter": "leave it out",
        "monitors": "leave it out",
        "success_rate_minimum_hosts": rates,
        "success_rate_request_volume": rates,
        "success_rate_stdev_factor": rates,
    ]
    private static let rates = "endpoints are not judged by rates, so leave it out"
}

/// The keys of `common_lb_config`.
enum EnvoyCommonBalance: Section {
    static let path = "common_lb_config"
    static let panic = GroupKey(
        "healthy_panic_threshold", "a mapping with \"value\"", "`panic_threshold`")

    static let keys: [any AnyKey] = [panic]
    static let ignored = ["update_merge_window"]
    static let refused = [
        "close_connections_on_host_set_change": "leave it out",
        "consistent_hashing_lb_config": "leave it out",
        "ignore_new_hosts_until_first_hc": "leave it out",
        "locality_weighted_lb_config": "leave it out",
        "override_host_status": "leave it out",
        "zone_aware_lb_config": "leave it out",
    ]
}

/// The keys of `healthy_panic_threshold`.
enum EnvoyPercent: Section {
    static let path = "healthy_panic_threshold"
    static let value = ValueKey("value", .count(0...100), standard: 0, "`panic_threshold`")

    static let keys: [any AnyKey] = [value]
}

extension Form where Value == Int {
    /// What can only be this number.
    static func only(_ number: Int) -> Form {
        Form(
            accepted: "\(number), or leave it out",
            parse: { $0 == "\(number)" ? number : nil }, show: { String($0) })
    }
}
