// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI

/// Rows of a walk through the flow table, each waiting for the other direction of its connection,
/// which lies anywhere in the map.
///
/// To ask the kernel for it would cost a system call a connection, a third of a listing. At the
/// worst, in the middle of the walk, a quarter of the table waits here.
struct WaitingRows: ~Copyable, Sendable {
    private struct Place {
        var key: flow_tuple
        var entry: flow_entry
        /// The next place with the same head, or the next free one.
        var next: Int32
    }

    private static let none: Int32 = -1

    private var places: [Place] = []
    private var firstFree = none
    /// The first place of each hash.
    private var heads: [Int32]
    /// Made of what was read ahead, so that it is read at all.
    private var readAhead: UInt64 = 0

    /// No row, of a table with room for `capacity`.
    init(capacity: Int) {
        let bits = Int.bitWidth - (capacity / 4).leadingZeroBitCount
        heads = Array(repeating: Self.none, count: 1 << bits)
        // Pages that no row touches cost nothing; growing would copy all rows again and again.
        places.reserveCapacity(capacity / 4)
    }

    /// Calls `body` with both rows of each connection that these rows complete; the others wait.
    mutating func add(
        _ keys: Span<flow_tuple>, _ entries: Span<flow_entry>,
        _ body: (flow_tuple, flow_entry, _ partnerKey: flow_tuple, _ partner: flow_entry) -> Void
    ) {
        let hashes = keys.indices.map { Self.hash(keys[$0], entries[$0]) & (heads.count - 1) }
        touch(hashes)
        for index in keys.indices {
            let (key, entry) = (keys[index], entries[index])
            if let place = take(partnerOf: key, entry, hashes[index]) {
                body(key, entry, places[place].key, places[place].entry)
            } else {
                keep(key, entry, hashes[index])
            }
        }
    }

    /// Reads a bit of all that is going to be read: misses of the cache that do not depend on each
    /// other are served side by side, which makes the whole several times faster.
    private mutating func touch(_ hashes: [Int]) {
        let first = hashes.map { heads[$0] }
        for index in first where index != Self.none {
            let place = Int(index)
            readAhead &+= places[place].entry.created_ns
            readAhead &+= UInt64(places[place].key.protocol)
            readAhead &+= UInt64(places[place].entry.preface_length)
        }
    }

    /// Takes the partner of a row out; answers its place, which holds it until the next `keep`.
    private mutating func take(partnerOf key: flow_tuple, _ entry: flow_entry, _ hash: Int) -> Int?
    {
        var before = Self.none
        var index = heads[hash]
        while index != Self.none {
            let place = Int(index)
            let next = places[place].next
            if isPartner(place, key, entry) {
                if before == Self.none {
                    heads[hash] = next
                } else {
                    places[Int(before)].next = next
                }
                places[place].next = firstFree
                firstFree = index
                return place
            }
            before = index
            index = next
        }
        return nil
    }

    private mutating func keep(_ key: flow_tuple, _ entry: flow_entry, _ hash: Int) {
        let place = Place(key: key, entry: entry, next: heads[hash])
        let index = firstFree
        if index == Self.none {
            heads[hash] = Int32(places.count)
            places.append(place)
        } else {
            heads[hash] = index
            firstFree = places[Int(index)].next
            places[Int(index)] = place
        }
    }

    /// Whether both rows name each other and began together: a tuple may have been used before.
    private func isPartner(_ place: Int, _ key: flow_tuple, _ entry: flow_entry) -> Bool {
        places[place].entry.created_ns == entry.created_ns
            && places[place].key.isReverse(of: entry.rewrite)
            && key.isReverse(of: places[place].entry.rewrite)
    }

    /// The same for both directions: made of the endpoint's side of the connection.
    private static func hash(_ key: flow_tuple, _ entry: flow_entry) -> Int {
        entry.isUpstream
            ? hash(entry.created_ns, entry.rewrite.saddr, entry.rewrite.daddr, entry.rewrite.sport)
            : hash(entry.created_ns, key.daddr, key.saddr, key.dport)
    }

    private static func hash(
        _ created: UInt64, _ balancer: ip_address, _ endpoint: ip_address, _ port: UInt16
    ) -> Int {
        var hash = created ^ UInt64(port) << 48
        for word in [balancer.low, balancer.high, endpoint.low, endpoint.high] {
            hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
            hash ^= hash >> 32
        }
        return Int(truncatingIfNeeded: hash)
    }
}

extension flow_tuple {
    fileprivate func isReverse(of other: flow_ends) -> Bool {
        sport == other.dport && dport == other.sport
            && saddr.word == other.daddr.word && daddr.word == other.saddr.word
    }
}

extension ip_address {
    fileprivate var high: UInt64 { UInt64(word.0) << 32 | UInt64(word.1) }
    fileprivate var low: UInt64 { UInt64(word.2) << 32 | UInt64(word.3) }
}
