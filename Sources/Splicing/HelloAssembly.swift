// SPDX-License-Identifier: Apache-2.0

internal import Datapath

/// A client's first bytes put in order: segments may overlap, repeat and come in any order.
struct HelloAssembly: Sendable {
    /// Sequence number of the first byte: the client's ISN + 1.
    private(set) var start: UInt32
    /// What is contiguous from `start`.
    private(set) var bytes: [UInt8] = []
    /// Segments beyond a gap, by offset; few, or the relay takes over.
    private var ahead: [Int: [UInt8]] = [:]
    /// How many segments came.
    private(set) var segments = 0

    private static let segmentsAheadLimit = 16

    init(start: UInt32) { self.start = start }

    /// Begins anew and keeps the memory.
    mutating func reset(start: UInt32) {
        self.start = start
        bytes.removeAll(keepingCapacity: true)
        if !ahead.isEmpty { ahead = [:] }
        segments = 0
    }

    /// Adds a segment; the number of bytes by which the contiguous part grew.
    mutating func add(_ segment: Span<UInt8>, at sequence: UInt32, limit: Int) -> Int {
        segments += 1
        let offset = Int(Int32(bitPattern: sequence &- start))
        let before = bytes.count
        if offset > before {
            keepAhead(segment, offset, limit)
            return 0
        }
        append(segment, from: before - offset, limit)
        if ahead.isEmpty { return bytes.count - before }
        while let (next, part) = ahead.first(where: { $0.key <= bytes.count }) {
            ahead[next] = nil
            append(part.span, from: bytes.count - next, limit)
        }
        return bytes.count - before
    }

    private mutating func keepAhead(_ segment: Span<UInt8>, _ offset: Int, _ limit: Int) {
        guard offset + segment.count <= limit, segment.count > ahead[offset]?.count ?? 0,
            ahead[offset] != nil || ahead.count < Self.segmentsAheadLimit
        else { return }
        var copy: [UInt8] = []
        copy.append(copying: segment)
        ahead[offset] = copy
    }

    private mutating func append(_ segment: Span<UInt8>, from first: Int, _ limit: Int) {
        let end = min(segment.count, first + max(0, limit - bytes.count))
        guard first >= 0, first < end else { return }
        bytes.append(copying: segment.extracting(first..<end))
    }
}
