// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// A regular expression over a whole server name, of a subset that needs linear time for every name:
///
///     a           itself; letters match both cases, names being in lower case anyway
///     .  \d  \w   any byte, a digit, a letter or digit or `_`; `\` before a sign means the sign
///     [a-z0-9-]   one of these; [^.] none of these
///     (x)  (?:x)  a group, which `$1`…`$9` of a cluster name mean; one that is not kept
///     x|y         either; the left one is preferred
///     x?  x*  x+  x{2}  x{1,3}   repeated, as often as possible
///
/// Matched by a simulation of all alternatives at once (Thompson's, with groups as in Pike's VM):
/// time is at most name × program, 253 × 512 steps.
public struct NameExpression: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is no expression.
    public struct Fault: Error, Hashable, Sendable {
        /// In bytes from the start.
        public let offset: Int
        /// A sentence without its end.
        public let reason: String
    }

    /// As it was written.
    public let text: String
    /// How many groups are kept, at most nine.
    public let groupCount: Int
    let program: [Instruction]

    /// The longest text, in bytes.
    public static let longest = 256
    /// The longest program.
    static let programLimit = 512

    /// The expression in `text`.
    public init(_ text: String) throws(Fault) {
        var parser = NameExpressionParser(text)
        self.text = text
        (program, groupCount) = try parser.parse()
    }

    /// As it was written.
    public var description: String { text }

    /// What the groups matched when the whole name does; nil when it does not.
    func groups(in name: Span<UInt8>) -> [Range<Int>?]? {
        var run = NameExpressionRun(program, groups: groupCount)
        return run.match(name)
    }

    /// Whether a name matches.
    public func matches(_ name: ServerName) -> Bool {
        let bytes = name.text.utf8
        return groups(in: bytes.span) != nil
    }
}

/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var words = SIMD4<UInt64>()

    static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
    static let letters = ByteSet(UInt8(ascii: "a")...UInt8(ascii: "z"))
    static let all = ByteSet(0...255)

    init() {}

    init(_ range: ClosedRange<UInt8>) {
        for byte in range { insert(byte) }
    }

    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func formUnion(_ other: ByteSet) { words |= other.words }

    mutating func invert() { words = ~words }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }
}

/// A step of a program.
enum Instruction: Hashable, Sendable {
    /// Takes a byte of the set.
    case take(ByteSet)
    /// Goes on there; of two the first is preferred.
    case jump(Int)
    case fork(Int, Int)
    /// Notes the place: of group ÷ 2, its start if even, its end if odd.
    case mark(Int)
    /// The name must end here.
    case end
}
