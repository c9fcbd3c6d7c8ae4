// SPDX-License-Identifier: Apache-2.0

/// One choice under way.
struct Choice {
    let shared: Picker.Shared
    let serving: ServingSet
    let tried: TriedEndpoints
    let now: UInt64

    /// Each in turn. Turns of endpoints that do not serve are dropped: what is left keeps its order
    /// and its ratio.
    func inTurn() -> Int? {
        guard case .turns(let turns) = serving.table, !turns.isEmpty else { return nil }
        let count = UInt64(turns.count)
        var turn = shared.takeTurn()
        if tried.isEmpty {
            for _ in 0..<turns.count {
                let index = Int(turns[Int(turn % count)])
                if serving.isOpen[index], isWarm(index, turn &* StableHash.step), !isFull(index) {
                    return index
                }
                turn = shared.takeTurn()
            }
        }
        for offset in 0..<count {
            let index = Int(turns[Int((turn &+ offset) % count)])
            if isLeft(index) { return index }
        }
        return nil
    }

    /// The slot of the hash; of endpoints that do not serve, the keys are hashed again, so that
    /// they spread over all others and no other key moves.
    func bySlot(_ hash: UInt64) -> Int? {
        guard case .slots(let slots) = serving.table, !slots.isEmpty else { return nil }
        var hash = hash
        for _ in 0..<64 {
            let index = Int(slots[StableHash.place(hash, below: slots.count)])
            let next = StableHash.mix(hash)
            if isLeft(index), isWarm(index, next) { return index }
            hash = next
        }
        return anyLeft(from: hash)
    }

    /// The first point behind the hash whose endpoint has not more than its bounded share.
    func byPoint(_ hash: UInt64) -> Int? {
        guard case .ring(let ring) = serving.table, ring.count > 0 else { return nil }
        var point = ring.point(behind: hash)
        // With this connection counted in; at least one endpoint is below its bound then.
        let total = shared.load.total + 1
        let draw = StableHash.mix(hash)
        for _ in 0..<ring.count {
            let index = ring.owner(of: point)
            if isLeft(index), isWarm(index, draw),
                shared.load.active(of: index) < bound(index, total)
            {
                return index
            }
            point = point + 1 == ring.count ? 0 : point + 1
        }
        return scanForLeast()
    }

    /// ⌈factor × total × weight ∕ all weights⌉.
    private func bound(_ index: Int, _ total: Int) -> Int {
        let share = shared.balance.loadFactor * total * serving.weights[index]
        let whole = 100 * serving.weightSum
        return (share + whole - 1) / whole
    }

    /// Whether it serves, was not tried and has a place.
    func isLeft(_ index: Int) -> Bool {
        serving.isOpen[index] && !tried.contains(index) && !isFull(index)
    }

    /// Whether it has all the connections that it may have.
    func isFull(_ index: Int) -> Bool {
        !shared.caps.isEmpty && (shared.caps[index]?.isFull ?? false)
    }

    /// How far its share has risen, in 65536ths.
    func warmth(_ index: Int) -> UInt64 {
        guard !serving.warming.isEmpty, let since = serving.warmingSince[index] else {
            return 65536
        }
        let age = now > since ? now - since : 0
        // The longest slow start, an hour, is below 2⁴² ns.
        return age >= shared.slowStart ? 65536 : age * 65536 / shared.slowStart
    }

    /// Whether a draw, of which the high bits count, falls to an endpoint whose share may be rising.
    func isWarm(_ index: Int, _ draw: UInt64) -> Bool {
        serving.warming.isEmpty || draw >> 48 < warmth(index)
    }

    /// Any that is left, however far its share has risen.
    func anyLeft(from hash: UInt64) -> Int? {
        let members = serving.members
        let start = StableHash.place(hash, below: members.count)
        for offset in members.indices {
            let index = Int(members[(start + offset) % members.count])
            if !tried.contains(index), !isFull(index) { return index }
        }
        return nil
    }
}
