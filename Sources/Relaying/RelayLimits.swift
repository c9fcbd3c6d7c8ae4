// SPDX-License-Identifier: Apache-2.0

/// Bounds of a relay.
public struct RelayLimits: Sendable, Equatable {
    /// Clients whose hello is not complete; past it the oldest is reset.
    public var halfClassified = 16384
    /// How long nothing may move in either direction before both ends are reset; nil: for ever.
    public var idleTimeout: Duration?
    /// How long a rejected client may take to answer our FIN with its own.
    public var rejectTimeout: Duration = .seconds(2)
    /// How long what was received before an RST may take to reach the other end.
    public var resetTimeout: Duration = .seconds(1)
    /// How long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT); nil: the kernel's default.
    public var userTimeout: Duration?

    /// The defaults.
    public init() {}
}
