// SPDX-License-Identifier: Apache-2.0

/// A pattern of a name: `*` stands for any run of bytes, dots included, `?` for one byte. ASCII
/// letters match in either case.
public struct Glob: Sendable, Equatable {
    private static let star = UInt8(ascii: "*")
    private static let anyByte = UInt8(ascii: "?")

    private let pattern: [UInt8]

    /// A pattern as it was typed.
    public init(_ text: String) {
        pattern = text.utf8.map(Self.lowercased)
    }

    /// Whether the whole of `text` matches. Never allocates; backtracks to the last star only.
    public func matches(_ text: String) -> Bool {
        let bytes = text.utf8Span.span
        var position = 0
        var index = 0
        var retry: (position: Int, index: Int)?
        while position < bytes.count {
            if index < pattern.count, pattern[index] == Self.star {
                index += 1
                if index == pattern.count { return true }
                retry = (position, index)
            } else if index < pattern.count, accepts(bytes[position], at: index) {
                position += 1
                index += 1
            } else if let last = retry {
                position = last.position + 1
                index = last.index
                retry = (position, index)
            } else {
                return false
            }
        }
        while index < pattern.count, pattern[index] == Self.star { index += 1 }
        return index == pattern.count
    }

    private func accepts(_ byte: UInt8, at index: Int) -> Bool {
        pattern[index] == Self.anyByte || pattern[index] == Self.lowercased(byte)
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}
