// SPDX-License-Identifier: Apache-2.0

public import Balancing

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
}
