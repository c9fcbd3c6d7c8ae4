// SPDX-License-Identifier: Apache-2.0

/// The names in an ALPN extension (RFC 7301 §3.1), most wanted first.
///
/// Kept as on the wire, each behind a byte of length, and cut into names only when somebody looks:
/// most connections are routed without. Up to 16 bytes (`h2`, `http/1.1` take 12) cost no
/// allocation.
public struct ApplicationProtocols: Sequence, Sendable, Equatable {
    private var short = SIMD16<UInt8>()
    private var long: [UInt8] = []
    private var count = 0

    /// No names.
    public init() {}

    /// These names, each of 1 to 255 bytes; others are left out.
    public init(_ names: [String]) {
        var list: [UInt8] = []
        for name in names where (1...255).contains(name.utf8.count) {
            list.append(UInt8(name.utf8.count))
            list += name.utf8
        }
        self.init(checked: list.span)
    }

    /// The names in `list`, whose lengths were checked to end where it ends.
    init(checked list: Span<UInt8>) {
        count = list.count
        if count <= short.scalarCount {
            for index in 0..<count { short[index] = list[index] }
        } else {
            long = [UInt8](capacity: count) { output in
                for index in list.indices { output.append(list[index]) }
            }
        }
    }

    /// Whether there are no names.
    public var isEmpty: Bool { count == 0 }

    /// The name that the client wants most, as it sent it; empty when there are no names.
    public var first: [UInt8] { isEmpty ? [] : (1...Int(self[0])).map { self[$0] } }

    /// Whether `name` is among the names, byte by byte. Allocates nothing.
    public func contains(_ name: String) -> Bool { place(of: name) != nil }

    /// A number that is the smaller the earlier `name` stands in the list; nil when it does not.
    /// Allocates nothing.
    public func place(of name: String) -> Int? {
        var start = 0
        while start < count {
            let size = Int(self[start])
            if size == name.utf8.count, matches(name, from: start + 1) { return start }
            start += 1 + size
        }
        return nil
    }

    /// The first names, of so many bytes with their lengths at most.
    public func shortened(to limit: Int) -> ApplicationProtocols {
        guard count > limit else { return self }
        var end = 0
        while end < count, end + 1 + Int(self[end]) <= limit { end += 1 + Int(self[end]) }
        let kept = (0..<end).map { self[$0] }
        return ApplicationProtocols(checked: kept.span)
    }

    /// The names as text, for people: bytes that are no UTF-8 are replaced by U+FFFD.
    public func makeIterator() -> Iterator { Iterator(list: self) }

    /// Hands out the names in order.
    public struct Iterator: IteratorProtocol {
        fileprivate let list: ApplicationProtocols
        private var start = 0

        fileprivate init(list: ApplicationProtocols) { self.list = list }

        /// The next name, or nil.
        public mutating func next() -> String? {
            guard start < list.count else { return nil }
            let range = start + 1..<start + 1 + Int(list[start])
            start = range.upperBound
            return String(decoding: range.lazy.map { [list] in list[$0] }, as: UTF8.self)
        }
    }

    private subscript(index: Int) -> UInt8 { long.isEmpty ? short[index] : long[index] }

    private func matches(_ name: String, from start: Int) -> Bool {
        var index = start
        for byte in name.utf8 {
            guard self[index] == byte else { return false }
            index += 1
        }
        return true
    }
}
