// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Datapath
internal import WireTypes

/// Names that were routed before, of whose clients nothing else is asked: the datapath sends the SYN
/// by itself, from a port that was laid out for it, and the worker hears of it later.
struct KnownRoutes {
    /// An endpoint in the datapath, and an address of ours towards it.
    struct Slot: Equatable {
        var target: Int
        var source: IPAddress
        /// Ports that were laid out, and of which nobody has heard that they were taken.
        var ports: Set<UInt16> = []
        /// How many are to be, and how many were when it was looked at last.
        var goal = 16
        var laid = 0
        /// When ports are laid out again: the pool had none of this address, or the table no place.
        var restsUntil: UInt64 = 0
        /// Since when no name leads there, CLOCK_MONOTONIC nanoseconds; nil: one does.
        var unusedSince: UInt64?

        init(target: Int, source: IPAddress) {
            self.target = target
            self.source = source
        }
    }

    /// A name as the datapath knows it.
    struct Name: Hashable {
        var text: ServerName
        var listener: UInt16
        var isIPv4: Bool
    }

    private(set) var slots: [Slot?] = []
    /// Whether there are any.
    private(set) var hasSlots = false
    /// Whether ports were taken since they were laid out last.
    var hasOpened = false
    /// When names were learned, CLOCK_MONOTONIC nanoseconds. One that comes to the worker is learned
    /// anew after a while: others may have pushed it out.
    var learned: [Name: UInt64] = [:]
    /// Names that were seen once, by hash: one is learned when it comes again.
    private var seen = [Int](repeating: 0, count: 1024)
    /// The health of their clusters when they were learned, by the clusters' places.
    var health: [Int: UInt64] = [:]
    /// The same of what endpoints taught, and of ids of names.
    var lessons: UInt64 = 0
    var nameIDs: UInt64 = 0

    /// When all names may be forgotten again for there being too many.
    var forgetsFrom: UInt64 = 0

    static let forgetInterval: UInt64 = 10_000_000_000
    static let relearnInterval: UInt64 = 1_000_000_000
    /// Longer than a packet takes through the datapath.
    static let passage: UInt64 = 1_000_000_000
    static let rest: UInt64 = 1_000_000_000

    /// Whether the name was seen before; from now on it was.
    mutating func isSeenAgain(_ name: ServerName) -> Bool {
        let hash = name.hashValue
        let place = hash & (seen.count - 1)
        defer { seen[place] = hash }
        return seen[place] == hash
    }

    mutating func forget(now: UInt64) {
        learned.removeAll(keepingCapacity: true)
        health.removeAll(keepingCapacity: true)
        for place in slots.indices where slots[place]?.unusedSince == nil {
            slots[place]?.unusedSince = now
        }
    }

    /// The slots that names lead to.
    var used: Int { slots.count { $0.map { $0.unusedSince == nil } ?? false } }

    /// The slot of a target, perhaps one of before that names lead to again; nil: all are taken.
    mutating func take(_ target: Int, _ source: IPAddress) -> (place: Int, isNew: Bool)? {
        let known = slots.firstIndex {
            guard let slot = $0 else { return false }
            return slot.target == target && slot.source == source
        }
        if let known {
            slots[known]?.unusedSince = nil
            return (known, false)
        }
        let free = slots.firstIndex(of: nil) ?? slots.count
        if free == slots.count {
            guard free < KnownNames.slots else { return nil }
            slots.append(nil)
        }
        slots[free] = Slot(target: target, source: source)
        hasSlots = true
        return (free, true)
    }

    /// Frees slots to which no name has led for so long that no packet is on its way there.
    mutating func freeUnused(now: UInt64) {
        for place in slots.indices {
            if let since = slots[place]?.unusedSince, now >= since + Self.passage {
                slots[place] = nil
            }
        }
        hasSlots = slots.contains { $0 != nil }
    }

    mutating func with(_ place: Int, _ change: (inout Slot) -> Void) {
        guard var slot = slots[place] else { return }
        slots[place] = nil
        change(&slot)
        slots[place] = slot
    }

    /// Whether a port is out for nobody yet, but for whom the datapath gives it.
    func isLaid(_ port: TransportAddress, _ target: Int) -> Bool {
        hasSlots && place(of: port, target) != nil
    }

    /// A port is laid out no more. False: it was not.
    @discardableResult
    mutating func heard(_ port: TransportAddress, _ target: Int) -> Bool {
        guard let place = place(of: port, target) else { return false }
        slots[place]?.ports.remove(port.port)
        return true
    }

    private func place(of port: TransportAddress, _ target: Int) -> Int? {
        slots.firstIndex {
            guard let slot = $0 else { return false }
            return slot.target == target && slot.source == port.address
                && slot.ports.contains(port.port)
        }
    }
}
