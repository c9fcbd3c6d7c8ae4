// SPDX-License-Identifier: Apache-2.0

/// How a client without a cluster is turned away.
public enum RejectPolicy: String, Hashable, Sendable, CaseIterable {
    /// By the TLS alert `unrecognized_name` (RFC 6066 §3), then FIN.
    case alert
    /// By RST.
    case reset
    /// By FIN.
    case close
    /// Not at all: its bytes are never answered. Where a kernel socket has taken the connection, by
    /// RST.
    case drop

    /// The same for a client that does not speak TLS, to whom an alert would be noise.
    public var withoutTLS: RejectPolicy { self == .alert ? .close : self }
}
