// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// What a route matches: one name, or all names below one.
public enum NamePattern: Hashable, Sendable, CustomStringConvertible {
    /// This name alone.
    case exact(ServerName)
    /// `*.name`: names that end in `.name`, not the name itself.
    case below(ServerName)

    /// The pattern written as `www.example.com` or `*.example.com`; nil for anything else.
    public init?(_ text: String) {
        let text = text.utf8
        self.init(text.span)
    }

    /// The pattern that those bytes are, as ``init(_:)``.
    public init?(_ bytes: Span<UInt8>) {
        let isWildcard =
            bytes.count > 2 && bytes[0] == UInt8(ascii: "*") && bytes[1] == UInt8(ascii: ".")
        guard let name = ServerName(bytes.extracting(droppingFirst: isWildcard ? 2 : 0)) else {
            return nil
        }
        self = isWildcard ? .below(name) : .exact(name)
    }

    /// As it was written, normalised.
    public var description: String {
        switch self {
        case .exact(let name): name.text
        case .below(let name): "*." + name.text
        }
    }
}

/// How far below its name a wildcard reaches.
public enum WildcardReach: String, Hashable, Sendable, CaseIterable {
    /// `*.x` matches `a.x` and `a.b.x`.
    case anyDepth = "any_depth"
    /// `*.x` matches `a.x` only, as in certificates (RFC 6125 §6.4.3).
    case oneLabel = "one_label"
}
