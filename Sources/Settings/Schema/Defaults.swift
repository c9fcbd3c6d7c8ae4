// SPDX-License-Identifier: Apache-2.0

public import Balancing
public import WireTypes

/// Every default of the configuration, in the one place that states them.
public enum Defaults {
    /// `instance`.
    public static let instance = "sluice"
    /// `attach`.
    public static let attach = AttachKind.auto
    /// `splicing`.
    public static let isSplicing = true
    /// `workers`: one a core.
    public static let workers: Int? = nil
    /// `log`.
    public static let log = LogSettings(
        format: .human, level: .info, connections: .off)
    /// `limits`.
    public static let limits = Limits(
        flows: 262_144, watermark: 90, handshakes: 65536, halfClassified: 10000,
        idleTimeout: .seconds(24 * 3600), idleProbe: true, countsKeepalives: false,
        maxLifetime: nil, closedLinger: .seconds(2))
    /// `access` of the process or a listener that has it.
    public static let access = AccessList()
    /// `per_source` of the process or a listener that has it.
    public static let perSource = SourceLimit()
    /// `source`: the kernel's choice of address, and ports outside of its usual ephemeral range.
    public static let source = SourcePool(addresses: [], ports: [10000...32767, 61000...65535])
    /// What a rule asks when it says nothing of it.
    public static let rule = RouteConditions()
    /// `reject` of a listener.
    public static let reject = RejectPolicy.alert
    /// `wildcards` of a listener.
    public static let wildcards = WildcardReach.anyDepth
    /// `mode` of a listener.
    public static let mode = ListenerMode.tls
    /// `hello` of a listener.
    public static let hello = HelloLimits(
        timeout: .seconds(10), maxSize: 16384, onTimeout: .reject, onTooLarge: .reject)
    /// `connect_timeout` of a cluster.
    public static let connectTimeout = Duration.seconds(1)
    /// `proxy_protocol` of a cluster.
    public static let proxyProtocol = ProxyProtocol.off
    /// `proxy_tlvs` of a cluster.
    public static let proxyTLVs: [ProxyTLV] = []
    /// `transparent` of a cluster.
    public static let isTransparent = false
    /// `balance`, `hash_key`, `table_size`, `load_factor`, `slow_start` and `panic_threshold` of a
    /// cluster.
    public static let balance = Balance()
    /// `health` of a cluster that has it.
    public static let health = HealthCheck()
    /// `ejection` of a cluster that has it.
    public static let ejection = Ejection()
    /// `on_down` of a cluster.
    public static let onDown = DownAction.keep
    /// `when_empty` of a cluster.
    public static let whenEmpty = EmptyAction.tryAll
    /// `weight` of an endpoint.
    public static let weight = 1
    /// `priority` of an endpoint.
    public static let priority = 0
}
