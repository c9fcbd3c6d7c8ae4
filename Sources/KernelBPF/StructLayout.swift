// SPDX-License-Identifier: Apache-2.0

/// Where the members of a C struct lie: what is needed to read one that was compiled elsewhere.
public struct StructLayout: Sendable, Equatable {
    /// What a member may become when its size differs.
    public enum Kind: Sendable, Equatable {
        /// An integer of the host's byte order; grows by zeros.
        case unsigned
        /// The same with a sign, which it keeps when it grows.
        case signed
        /// An array: what is behind its last element is zero when it grows.
        case array
        /// Anything else, integers in network byte order too: cannot grow.
        case opaque
    }

    /// A member that is no struct itself.
    public struct Member: Sendable, Equatable {
        /// Its name, behind the names of the structs that it is in: `rewrite.sport`.
        public var path: String
        /// In bytes from the beginning.
        public var offset: Int
        /// In bytes.
        public var size: Int
        /// What it is.
        public var kind: Kind

        /// A member.
        public init(_ path: String, at offset: Int, size: Int, _ kind: Kind = .unsigned) {
            self.path = path
            self.offset = offset
            self.size = size
            self.kind = kind
        }
    }

    /// The struct's name, for messages.
    public var name: String
    /// In bytes.
    public var size: Int
    /// The members in the order of the declaration, those of nested structs among them.
    public var members: [Member]

    /// A layout.
    public init(_ name: String, size: Int, _ members: [Member]) {
        self.name = name
        self.size = size
        self.members = members
    }

    /// The member of that path.
    public subscript(path: String) -> Member? { members.first { $0.path == path } }
}
