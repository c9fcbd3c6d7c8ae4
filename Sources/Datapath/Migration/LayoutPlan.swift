// SPDX-License-Identifier: Apache-2.0

package import KernelBPF

/// How a row of one layout becomes a row of another: members go by their names.
///
/// What the old layout lacks is zero; what the new one lacks is left behind. Integers and arrays may
/// grow, and nothing may shrink but integers that the caller names. Padding (`pad…`) is no member.
package struct LayoutPlan: Sendable, Equatable {
    /// One piece of a row.
    package struct Move: Sendable, Equatable {
        /// Offset in the old row.
        package var from: Int
        /// Offset in the new row.
        package var to: Int
        /// How many bytes.
        package var size: Int
        /// How many bytes of the new row behind them repeat the sign.
        package var signExtension = 0

        /// Bytes as they are.
        package init(from: Int, to: Int, size: Int, signExtension: Int = 0) {
            self.from = from
            self.to = to
            self.size = size
            self.signExtension = signExtension
        }
    }

    /// In the order of the new layout; neighbours are one.
    package private(set) var moves: [Move] = []
    /// Members of the new layout that the old one lacks.
    package private(set) var missing: Set<String> = []
    /// Bytes of an old row.
    package let oldSize: Int
    /// Bytes of a new row.
    package let newSize: Int

    /// Plans the way from `old` to `new`.
    ///
    /// - Parameter essential: members that a row is of no use without; of a struct inside, all members.
    /// - Parameter narrowing: integers that may shrink: what they say fits, whatever the row.
    /// - Throws: when an essential one is missing, or a member would have to shrink or become another.
    package init(
        from old: StructLayout, to new: StructLayout, essential: [String] = [],
        narrowing: Set<String> = []
    ) throws(BPFError) {
        oldSize = old.size
        newSize = new.size
        for member in new.members where !Self.isPadding(member) {
            guard let source = old[member.path] else {
                missing.insert(member.path)
                guard !essential.contains(where: { Self.covers($0, member.path) }) else {
                    throw BPFError(
                        "\(new.name) has no member \(member.path) in the other version, "
                            + "without which a row is of no use")
                }
                continue
            }
            let mayShrink = narrowing.contains(member.path)
            add(try Self.move(source, to: member, new.name, mayShrink: mayShrink))
        }
    }

    private static func isPadding(_ member: StructLayout.Member) -> Bool {
        (member.path.split(separator: ".").last ?? "").hasPrefix("pad")
    }

    private static func covers(_ wanted: String, _ path: String) -> Bool {
        path == wanted || path.hasPrefix("\(wanted).")
    }

    private static func move(
        _ old: StructLayout.Member, to new: StructLayout.Member, _ name: String, mayShrink: Bool
    ) throws(BPFError) -> Move {
        if old.size == new.size { return Move(from: old.offset, to: new.offset, size: old.size) }
        if mayShrink, old.size > new.size, old.kind == new.kind, old.kind.isInteger {
            return Move(from: old.offset + lowBytes(of: old, new), to: new.offset, size: new.size)
        }
        let kinds = "\(old.size) bytes in the other version and \(new.size) in this one"
        guard old.size < new.size else {
            throw BPFError("\(name) has a member \(new.path) of \(kinds): it cannot shrink")
        }
        switch (old.kind, new.kind) {
        case (.array, .array):
            return Move(from: old.offset, to: new.offset, size: old.size)
        case (.unsigned, .unsigned), (.unsigned, .signed):
            return Move(from: old.offset, to: new.offset + lowBytes(of: new, old), size: old.size)
        case (.signed, .signed):
            return Move(
                from: old.offset, to: new.offset + lowBytes(of: new, old), size: old.size,
                signExtension: new.size - old.size)
        default:
            throw BPFError("\(name) has a member \(new.path) of \(kinds), and is no number")
        }
    }

    /// Where in an integer its low bytes begin, of which a narrow one has as many.
    private static func lowBytes(
        of wide: StructLayout.Member, _ narrow: StructLayout.Member
    ) -> Int {
        #if _endian(little)
            0
        #else
            wide.size - narrow.size
        #endif
    }

    private mutating func add(_ move: Move) {
        if let last = moves.last, last.signExtension == 0, move.signExtension == 0,
            last.from + last.size == move.from, last.to + last.size == move.to
        {
            moves[moves.count - 1].size += move.size
        } else {
            moves.append(move)
        }
    }

    /// Row `index` of old rows that lie one after the other, as the struct that has the new layout.
    func value<Value: BitwiseCopyable>(
        _ index: Int, of old: RawSpan, as type: Value.Type
    ) -> Value {
        precondition(MemoryLayout<Value>.size == newSize)
        precondition((index + 1) * oldSize <= old.byteCount)
        // Room for one value, all of it set before it is read; any bytes are a value of a C struct.
        return unsafe withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { room in
            let row = UnsafeMutableRawBufferPointer(room)
            unsafe row.initializeMemory(as: UInt8.self, repeating: 0)
            unsafe old.withUnsafeBytes { rows in
                let source = unsafe UnsafeRawBufferPointer(
                    rebasing: rows[index * oldSize..<(index + 1) * oldSize])
                unsafe write(source, to: row)
            }
            return unsafe room[0]
        }
    }

    /// Row `index` in bytes, for tests.
    package func row(_ index: Int, of old: [UInt8]) -> [UInt8] {
        precondition((index + 1) * oldSize <= old.count)
        var row = [UInt8](repeating: 0, count: newSize)
        // Both arrays live until the closures end.
        unsafe row.withUnsafeMutableBytes { row in
            unsafe old.withUnsafeBytes { rows in
                let source = unsafe UnsafeRawBufferPointer(
                    rebasing: rows[index * oldSize..<(index + 1) * oldSize])
                unsafe write(source, to: row)
            }
        }
        return row
    }

    /// Both are as long as a row: moves lie inside, as layouts do that compilers made.
    private func write(_ old: UnsafeRawBufferPointer, to row: UnsafeMutableRawBufferPointer) {
        for move in moves {
            let target = unsafe UnsafeMutableRawBufferPointer(
                rebasing: row[move.to..<move.to + move.size])
            unsafe target.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: old[move.from..<move.from + move.size]))
            if move.signExtension > 0 { unsafe extendSign(of: move, in: row) }
        }
    }

    private func extendSign(of move: Move, in row: UnsafeMutableRawBufferPointer) {
        #if _endian(little)
            let (sign, first) = (move.to + move.size - 1, move.to + move.size)
        #else
            let (sign, first) = (move.to, move.to - move.signExtension)
        #endif
        guard unsafe row[sign] & 0x80 != 0 else { return }
        for place in first..<first + move.signExtension { unsafe row[place] = 0xff }
    }
}

extension StructLayout.Kind {
    fileprivate var isInteger: Bool { self == .unsigned || self == .signed }
}
