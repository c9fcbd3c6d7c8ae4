// SPDX-License-Identifier: Apache-2.0

/// The bytes contradict themselves. Stays inside this module: callers get a `Classification`.
struct Malformed: Error {}

/// A walk over bytes. Each step checks its bound first, then steps past what it hands out.
struct Cursor: ~Escapable {
    private let bytes: Span<UInt8>
    private var position = 0

    /// At the first of `bytes`.
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    /// Whether nothing is left.
    var isAtEnd: Bool { position == bytes.count }

    /// A byte.
    mutating func uint8() throws(Malformed) -> Int {
        guard position < bytes.count else { throw Malformed() }
        defer { position += 1 }
        return Int(bytes[position])
    }

    /// A big-endian number of two bytes.
    mutating func uint16() throws(Malformed) -> Int {
        guard bytes.count - position >= 2 else { throw Malformed() }
        defer { position += 2 }
        return Int(bytes[position]) << 8 | Int(bytes[position + 1])
    }

    /// The next `count` bytes.
    @_lifetime(copy self)
    mutating func take(_ count: Int) throws(Malformed) -> Span<UInt8> {
        guard bytes.count - position >= count else { throw Malformed() }
        defer { position += count }
        return bytes.extracting(position..<position + count)
    }

    /// A vector (RFC 8446 §3.4) of `sizes` bytes behind a length of one byte.
    @_lifetime(copy self)
    mutating func vector8(_ sizes: ClosedRange<Int> = 0...0xff) throws(Malformed) -> Span<UInt8> {
        let count = try uint8()
        guard sizes.contains(count) else { throw Malformed() }
        return try take(count)
    }

    /// A vector of `sizes` bytes behind a length of two bytes.
    @_lifetime(copy self)
    mutating func vector16(_ sizes: ClosedRange<Int> = 0...0xffff) throws(Malformed)
        -> Span<UInt8>
    {
        let count = try uint16()
        guard sizes.contains(count) else { throw Malformed() }
        return try take(count)
    }

    /// Nothing may be left.
    func end() throws(Malformed) {
        guard isAtEnd else { throw Malformed() }
    }
}
