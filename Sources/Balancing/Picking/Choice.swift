// SPDX-License-Identifier: Apache-2.0

/// What a choice goes by. A picker keeps it from one choice to the next, so that it does not count
/// references for each.
struct Choice {
    let shared: Picker.Shared
    var serving: ServingSet
    var tried = TriedEndpoints()
    var now: UInt64 = 0

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
            if isLeft(index), isWarm(index, StableHash.mix(hash)) { return index }
            hash = StableHash.mix(hash)
        }
        return anyLeft(from: hash)
    }

    /// The first point behind the hash whose endpoint has not more than its bounded share.
    func byPoint(_ hash: UInt64) -> Int? {
        guard case .ring(let ring) = serving.table, ring.count > 0 else { return nil }
        var point = ring.point(behind: hash)
        // With this connection counted in; at least one endpoint is below its bound then.
        let total = shared.load.total + 1
        for _ in 0..<ring.count {
            let index = ring.owner(of: point)
            if isLeft(index), isWarm(index, StableHash.mix(hash)), isBelowBound(index, total) {
                return index
            }
            point = point + 1 == ring.count ? 0 : point + 1
        }
        return scanForLeast()
    }

    /// Whether it has fewer connections than ⌈factor × total × weight ∕ all weights⌉.
    private func isBelowBound(_ index: Int, _ total: Int) -> Bool {
        let share = shared.balance.loadFactor * total * serving.weights[index]
        return shared.load.active(of: index) * 100 * serving.weightSum < share
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
    func isWarm(_ index: Int, _ draw: @autoclosure () -> UInt64) -> Bool {
        serving.warming.isEmpty || draw() >> 48 < warmth(index)
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
