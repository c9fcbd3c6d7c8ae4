// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// The source ports of one worker towards one endpoint, handed out first-in-first-out.
///
/// Ports never used yet come first, then the one that was given back longest ago. A worker owns
/// the ports that leave its index when divided by the number of workers, so no lock is needed.
public struct PortPool: Sendable {
    private var sources: [IPAddress]
    private var ranges: [ClosedRange<UInt16>]
    private let worker: Int
    private let workers: Int
    private var returned: [Place] = []
    private var firstReturned = 0
    /// Next never used: of `sources[source]`, of `ranges[range]`.
    private var source = 0
    private var range = 0
    private var nextPort: Int
    /// One bit a port that is out, and one that ever was; for each source, made when first used.
    private var out: [[UInt64]]
    private var used: [[UInt64]]
    /// Ports out that are of none of our sources: flows of an earlier configuration.
    private var strangers: Set<TransportAddress> = []
    /// How many are out.
    public private(set) var inUse = 0

    struct Place: Hashable, Sendable {
        var source: UInt16
        var port: UInt16
    }

    /// The part of `worker` of `workers` in `ranges` of every source address.
    public init(
        sources: [IPAddress], ranges: [ClosedRange<UInt16>], worker: Int, workers: Int
    ) {
        self.sources = sources
        self.ranges = ranges
        self.worker = worker
        self.workers = workers
        out = Array(repeating: [], count: sources.count)
        used = out
        nextPort = ranges.first.map { Self.firstPort(in: $0, worker, workers) } ?? 0
    }

    /// The worker that owns `port`.
    public static func owner(of port: UInt16, workers: Int) -> Int { Int(port) % workers }

    private static func firstPort(in range: ClosedRange<UInt16>, _ worker: Int, _ workers: Int)
        -> Int
    {
        let lower = Int(range.lowerBound)
        return lower + (worker - lower % workers + workers) % workers
    }

    /// Takes a port, or nil when all are out.
    public mutating func take() -> TransportAddress? {
        guard let place = takeFresh() ?? takeReturned() else { return nil }
        take(place)
        return TransportAddress(sources[Int(place.source)], place.port)
    }

    /// Gives a port back. Only when neither flow of it exists any more; false when it was not out.
    @discardableResult
    public mutating func giveBack(_ address: TransportAddress) -> Bool {
        guard let place = place(address) else {
            guard strangers.remove(address) != nil else { return false }
            inUse -= 1
            return true
        }
        guard Self.has(place, out) else { return false }
        out[Int(place.source)][Int(place.port) / 64] &= ~(1 << UInt64(place.port % 64))
        inUse -= 1
        keep(returned: place)
        return true
    }

    /// Keeps a port that a flow uses which this daemon did not begin, ours to hand out or not. False
    /// when it was out already.
    @discardableResult
    public mutating func reserve(_ address: TransportAddress) -> Bool {
        guard let place = place(address) else {
            guard strangers.insert(address).inserted else { return false }
            inUse += 1
            return true
        }
        if Self.has(place, out) { return false }
        take(place)
        return true
    }

    /// Hands out ports of these addresses, and ranges if given, from now on; those that are out stay
    /// so.
    public mutating func use(
        sources new: [IPAddress], ranges newRanges: [ClosedRange<UInt16>]? = nil
    ) {
        let newRanges = newRanges ?? ranges
        guard new != sources || newRanges != ranges else { return }
        let old = self
        sources = new
        ranges = newRanges
        out = Array(repeating: [], count: new.count)
        used = out
        (source, range) = (0, 0)
        nextPort = ranges.first.map { Self.firstPort(in: $0, worker, workers) } ?? 0
        for (index, address) in old.sources.enumerated() {
            if let kept = new.firstIndex(of: address) {
                out[kept] = old.out[index]
                used[kept] = old.used[index]
            } else {
                for port in old.portsOut(of: index) {
                    strangers.insert(TransportAddress(address, port))
                }
            }
        }
        returned = old.returned.dropFirst(old.firstReturned).compactMap { place in
            new.firstIndex(of: old.sources[Int(place.source)]).map {
                Place(source: UInt16($0), port: place.port)
            }
        }
        let back = returned
        returned = []
        for place in back { keep(returned: place) }
        firstReturned = 0
        // An address that was ours before.
        for port in strangers {
            guard let place = place(port) else { continue }
            strangers.remove(port)
            take(place)
            inUse -= 1
        }
    }

    private func portsOut(of source: Int) -> [UInt16] {
        out[source].indices.flatMap { word in
            (0..<64).filter { out[source][word] >> UInt64($0) & 1 == 1 }
                .map { UInt16(word * 64 + $0) }
        }
    }

    private func place(_ address: TransportAddress) -> Place? {
        sources.firstIndex(of: address.address).map {
            Place(source: UInt16($0), port: address.port)
        }
    }

    /// One that is not ours any more is as good as never used, should it be ours again.
    private mutating func keep(returned place: Place) {
        if isOurs(place) { return returned.append(place) }
        used[Int(place.source)][Int(place.port) / 64] &= ~(1 << UInt64(place.port % 64))
    }

    private func isOurs(_ place: Place) -> Bool {
        Self.owner(of: place.port, workers: workers) == worker
            && ranges.contains { $0.contains(place.port) }
    }

    private static func has(_ place: Place, _ ports: [[UInt64]]) -> Bool {
        let bits = ports[Int(place.source)]
        return !bits.isEmpty && bits[Int(place.port) / 64] >> UInt64(place.port % 64) & 1 == 1
    }

    private mutating func take(_ place: Place) {
        let source = Int(place.source)
        if out[source].isEmpty {
            out[source] = [UInt64](repeating: 0, count: 65536 / 64)
            used[source] = out[source]
        }
        out[source][Int(place.port) / 64] |= 1 << UInt64(place.port % 64)
        used[source][Int(place.port) / 64] |= 1 << UInt64(place.port % 64)
        inUse += 1
    }

    private mutating func takeFresh() -> Place? {
        while source < sources.count, range < ranges.count {
            while nextPort <= Int(ranges[range].upperBound) {
                let place = Place(source: UInt16(source), port: UInt16(nextPort))
                nextPort += workers
                // One that an adopted flow used is out, or waits its turn among the returned.
                if !Self.has(place, used) { return place }
            }
            range += 1
            if range == ranges.count {
                range = 0
                source += 1
            }
            nextPort = Self.firstPort(in: ranges[range], worker, workers)
        }
        return nil
    }

    private mutating func takeReturned() -> Place? {
        guard firstReturned < returned.count else { return nil }
        let place = returned[firstReturned]
        firstReturned += 1
        if firstReturned > 1024, firstReturned * 2 > returned.count {
            returned.removeFirst(firstReturned)
            firstReturned = 0
        }
        return place
    }
}
