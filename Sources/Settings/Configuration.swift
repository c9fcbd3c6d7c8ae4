// SPDX-License-Identifier: Apache-2.0

public import Balancing
public import WireTypes

/// A whole configuration, checked: what it names exists, and every value is in its range.
///
/// Values that the file leaves out are filled in from ``Defaults``. Properties can be changed, as
/// the command line overrides some of them.
public struct Configuration: Hashable, Sendable {
    /// The name under which maps and programs are pinned: letters, digits, `-` and `_`.
    public var instance: String
    /// The interfaces to attach to, as written; may be empty, since the command line adds to them.
    public var interfaces: [InterfaceSelector]
    /// How programs are attached.
    public var attach: AttachKind
    /// At least one; a listener's id is its index.
    public var listeners: [Listener]
    /// At least one; a cluster's id is its index, by which routes name it.
    public var clusters: [Cluster]
    /// What connections to endpoints come from.
    public var source: SourcePool
    /// Sizes and times that bound what is kept.
    public var limits: Limits
    /// Whether flows are handed to the kernel; otherwise all are relayed.
    public var isSplicing: Bool
    /// Threads that serve rings; nil means one a core.
    public var workers: Int?
    /// What is logged and how.
    public var log: LogSettings
    /// Who is asked for the names of endpoints; nil: those of resolv.conf.
    public var resolver: TransportAddress?
    /// Other files that it was read from, which it names, as they were right before; absolute paths.
    public var files: [FileVersion]
}

extension Configuration {
    /// Whether the datapath is loaded for plain listeners.
    public var hasPlainListeners: Bool { listeners.contains { $0.mode == .plain } }

    /// The keys whose change from this configuration to `other` needs a new start, since the
    /// datapath was loaded by them: all others may change while connections come.
    ///
    /// - Parameter servesPlain: Whether the datapath was loaded for plain listeners; nil: if this
    ///   configuration has some.
    public func keysOfAStart(
        changedIn other: Configuration, servesPlain: Bool? = nil
    ) -> [String] {
        var keys: [String] = []
        func note(_ key: String, _ isSame: Bool) { if !isSame { keys.append("\"\(key)\"") } }
        note("instance", instance == other.instance)
        note("interface", interfaces == other.interfaces)
        note("attach", attach == other.attach)
        note("source", source == other.source)
        note("resolver", resolver == other.resolver)
        note("limits.flows", limits.flows == other.limits.flows)
        note("limits.watermark", limits.watermark == other.limits.watermark)
        note("limits.handshakes", limits.handshakes == other.limits.handshakes)
        note("limits.tracked_sources", limits.trackedSources == other.limits.trackedSources)
        note("splicing", isSplicing == other.isSplicing)
        note("mode: plain", servesPlain ?? hasPlainListeners || !other.hasPlainListeners)
        note("workers", workers == other.workers)
        note("log", log == other.log)
        return keys
    }
}
