// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension SocketError {
    /// What an errno says, as far as one acts on it.
    public enum Kind: Hashable, Sendable {
        /// The peer answered the SYN with RST.
        case refused
        /// The peer ended the connection with RST.
        case reset
        /// The peer did not answer.
        case timedOut
        /// No route leads there, or nobody has the address.
        case unreachable
        /// This host has no descriptor, port or memory left.
        case ownShortage
        /// Anything else.
        case other
    }

    /// What the errno says.
    public var kind: Kind {
        switch code {
        case ECONNREFUSED: .refused
        case ECONNRESET, EPIPE: .reset
        case ETIMEDOUT: .timedOut
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: .unreachable
        case EMFILE, ENFILE, EADDRNOTAVAIL, EADDRINUSE, ENOBUFS, ENOMEM: .ownShortage
        default: .other
        }
    }

    /// The errno's text: `No route to host`.
    public var reason: String {
        // strerror's buffer is copied before anybody else can ask for another text.
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error"
    }
}
