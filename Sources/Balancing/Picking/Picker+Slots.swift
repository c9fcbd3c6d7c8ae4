// SPDX-License-Identifier: Apache-2.0

extension Picker {
    /// Who gets the clients of each slot of a Maglev table at the moment, for a picker elsewhere: a
    /// client's slot is its hash times their number, shifted right by 64. ``nobody`` where no endpoint
    /// serves; empty when the policy has no such table.
    ///
    /// Where the owner of a slot does not serve, or its share still rises, all clients of the slot go
    /// to another one; ``pick(for:excluding:now:)`` spreads them.
    public mutating func slots(now: UInt64) -> [UInt16] {
        follow(now: now)
        choice.tried = TriedEndpoints()
        guard case .slots(let owners) = serving.table else { return [] }
        guard !serving.members.isEmpty else { return [Self.nobody] }
        let count = UInt64(owners.count)
        return owners.indices.map { slot in
            let owner = Int(owners[slot])
            if serving.warming.isEmpty, choice.isLeft(owner) { return owners[slot] }
            // The greatest hash of the slot.
            let hash = count.dividingFullWidth((UInt64(slot), .max)).quotient
            return choice.bySlot(hash).map { UInt16($0) } ?? Self.nobody
        }
    }

    /// No endpoint's place.
    public static var nobody: UInt16 { .max }

    /// Whether the share of an endpoint rises: then slots change with time.
    public var isWarming: Bool { !states.serving.warming.isEmpty }
}
