// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Endpoints as points on a ring of hashes: a client belongs to the first point behind its own.
struct HashRing: Sendable {
    /// About how many points an endpoint has, and how many there are at most.
    private static let pointsEach = 160
    private static let mostPoints = 1 << 19

    private struct Point {
        let hash: UInt64
        let owner: UInt16
    }

    /// In ascending order.
    private let points: [Point]
    /// The first point of each equal part of the ring, so that none has to be searched for.
    private let starts: [UInt32]
    private let shift: UInt64

    /// The same ring for the same entries in any order.
    init(_ entries: [MaglevTable.Entry]) {
        let entries = entries.filter { $0.weight > 0 }
        let sum = entries.reduce(0) { $0 + $1.weight }
        let count = min(Self.pointsEach * entries.count, Self.mostPoints)
        var points: [(hash: UInt64, entry: Int)] = []
        for (place, entry) in entries.enumerated() {
            var hash = StableHash.of(entry.address)
            for _ in 0..<max(1, count * entry.weight / sum) {
                points.append((hash, place))
                hash = StableHash.mix(hash)
            }
        }
        points.sort { left, right in
            left.hash != right.hash
                ? left.hash < right.hash
                : entries[left.entry].address < entries[right.entry].address
        }
        self.points = points.map { Point(hash: $0.hash, owner: entries[$0.entry].index) }
        var bits: UInt64 = 0
        while 1 << bits < points.count { bits += 1 }
        shift = 64 - bits
        var starts: [UInt32] = []
        for (place, point) in points.enumerated() {
            while shift < 64, starts.count <= Int(point.hash >> shift) {
                starts.append(UInt32(place))
            }
        }
        while starts.count < 1 << bits { starts.append(UInt32(points.count)) }
        self.starts = starts
    }

    /// How many points there are.
    var count: Int { points.count }

    /// The point that a hash belongs to. There is at least one.
    func point(behind hash: UInt64) -> Int {
        var point = shift < 64 ? Int(starts[Int(hash >> shift)]) : 0
        while point < points.count, points[point].hash < hash { point += 1 }
        return point == points.count ? 0 : point
    }

    /// The endpoint of a point.
    func owner(of point: Int) -> Int { Int(points[point].owner) }
}
