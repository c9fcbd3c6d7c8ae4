// SPDX-License-Identifier: Apache-2.0

/// An expression at work on one name: all places of the program that the bytes so far can have led
/// to, each once, in the order of preference.
struct NameExpressionRun {
    private struct Place {
        var instruction: Int
        var marks: [Int]
    }

    private let program: [Instruction]
    private let groups: Int
    private var places: [Place] = []
    /// When each instruction was added last: by position, so that none is added twice.
    private var added: [Int]

    init(_ program: [Instruction], groups: Int) {
        self.program = program
        self.groups = groups
        added = [Int](repeating: -1, count: program.count)
    }

    mutating func match(_ name: Span<UInt8>) -> [Range<Int>?]? {
        add(Place(instruction: 0, marks: [Int](repeating: -1, count: groups * 2)), at: 0)
        for position in name.indices {
            let byte = name[position]
            let current = places
            places.removeAll(keepingCapacity: true)
            for place in current {
                guard case .take(let set) = program[place.instruction], set.contains(byte) else {
                    continue
                }
                var next = place
                next.instruction += 1
                add(next, at: position + 1)
            }
            if places.isEmpty { return nil }
        }
        let end = places.first { program[$0.instruction] == .end }
        guard let marks = end?.marks else { return nil }
        return (0..<groups).map { group in
            let (start, end) = (marks[group * 2], marks[group * 2 + 1])
            return start >= 0 && end >= start ? start..<end : nil
        }
    }

    /// Follows what takes no byte. Depth is bounded by the program's length.
    private mutating func add(_ place: Place, at position: Int) {
        guard added[place.instruction] != position else { return }
        added[place.instruction] = position
        switch program[place.instruction] {
        case .take, .end: places.append(place)
        case .jump(let target):
            add(Place(instruction: target, marks: place.marks), at: position)
        case .fork(let first, let second):
            add(Place(instruction: first, marks: place.marks), at: position)
            add(Place(instruction: second, marks: place.marks), at: position)
        case .mark(let number):
            var next = place
            next.instruction += 1
            next.marks[number] = position
            add(next, at: position)
        }
    }
}
