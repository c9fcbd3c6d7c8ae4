// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathModel
import DatapathTesting

/// The model under comparison: the real one, or one with a planted fault.
typealias Model =
    (_ packet: [UInt8], _ protocol: UInt16, _ hook: Hook, _ link: Link, _ world: inout World) ->
    Outcome

/// Both sides of a trial.
struct Comparison {
    let trial: Trial
    let kernel: KernelOutcome
    /// The model's answer that fits, or the first one.
    var model: Outcome
    /// What the model made of the world.
    var world: World
    /// What does not fit; empty: nothing.
    var differences: [String] = []
}

extension KernelSide {
    /// nil: the kernel takes no such packet.
    ///
    /// What the model cannot know is tried: whether ticks of the clock fell into the run, and whether
    /// the budget had a token. When a flow of a known name was begun is read from its row.
    func compare(_ trial: Trial, with model: Model) throws -> Comparison? {
        guard let kernel = try run(trial) else { return nil }
        var first: Comparison?
        for hasToken in [true, false] {
            for (now, earlier) in kernel.readings {
                var world = trial.world(from: kernel.times.0, at: now, interface: bench.interface)
                world.hasToken = hasToken
                world.earlier = earlier
                world.cookie = cookie(trial, kernel)
                world.sequenceKey = sequenceKey
                world.clock = kernel.clock
                let outcome = model(trial.packet, trial.etherType, trial.hook, trial.link, &world)
                var comparison = Comparison(
                    trial: trial, kernel: kernel, model: outcome, world: world)
                comparison.differences = differences(comparison)
                if comparison.differences.isEmpty { return comparison }
                if first == nil { first = comparison }
            }
        }
        return first
    }

    /// The kernel's secret stands in its answer: the sequence number of the SYN-ACK.
    private func cookie(_ trial: Trial, _ kernel: KernelOutcome) -> UInt32 {
        guard trial.hook == .handshake, kernel.verdict == Verdict.redirect.rawValue else {
            return 0
        }
        let bytes = kernel.bytes
        // Behind the link header, which a packet of a header-less device was given.
        let place = tcpOffset(bytes, ip: 14) + 4
        guard place + 4 <= bytes.count else { return 0 }
        return bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    private func tcpOffset(_ bytes: [UInt8], ip: Int) -> Int {
        if bytes[ip] >> 4 == 4 { return ip + Int(bytes[ip] & 15) * 4 }
        var (next, place) = (bytes[ip + 6], ip + 40)
        while next != 6, place + 2 <= bytes.count {
            (next, place) = (bytes[place], place + (Int(bytes[place + 1]) + 1) * 8)
        }
        return place
    }

    private func differences(_ comparison: Comparison) -> [String] {
        let (kernel, model) = (comparison.kernel, comparison.model)
        var found: [String] = []
        if kernel.verdict != model.verdict.rawValue { found.append("verdict") }
        if model.verdict != .drop, kernel.bytes != model.bytes { found.append("bytes") }
        for (index, row) in comparison.trial.rows.enumerated() {
            let expected = comparison.world.row(of: row.key)
            if let what = difference(expected, row.template, kernel.rows[index], comparison) {
                found.append("row \(index)" + what)
            }
        }
        if comparison.trial.hook == .handshake { found += clientDifferences(comparison) }
        if comparison.trial.isPlain { found += openingDifferences(comparison) }
        if !comparison.trial.names.targets.isEmpty { found += nameDifferences(comparison) }
        return found
    }

    private func openingDifferences(_ comparison: Comparison) -> [String] {
        let (world, kernel) = (comparison.world, comparison.kernel)
        var found: [String] = []
        for key in Set(world.openings.keys).union(kernel.openings.keys) {
            let expected = world.openings[key]
            if let what = difference(expected, -1, kernel.openings[key], comparison) {
                found.append("opening \(key)" + what)
            }
        }
        for key in comparison.trial.openings.map(\.key)
        where !comparison.trial.rows.contains(where: { $0.key == key }) {
            let expected = world.row(of: key)
            if let what = difference(expected, -1, kernel.opened[key], comparison) {
                found.append("opened \(key)" + what)
            }
        }
        return found
    }

    private func clientDifferences(_ comparison: Comparison) -> [String] {
        let clients = comparison.world.handshakes
        guard let address = clients.address?.0,
            let family = Family.all.first(where: { $0.client.destination == address })
        else { return [] }
        var found: [String] = []
        if !areSame(clients.notes[family.client].map(\.abi), comparison.kernel.note) {
            found.append("note")
        }
        if (clients.adopted[family.client] != nil) != comparison.kernel.isAdopted {
            found.append("adopted")
        }
        return found
    }
}

/// Byte by byte, or both not there.
func areSame<Value: BitwiseCopyable>(_ one: Value?, _ other: Value?) -> Bool {
    switch (one, other) {
    case (nil, nil): true
    case (let one?, let other?): isSame(one, other)
    default: false
    }
}

/// Offsets of the bytes that differ, with both values; nothing when one of them is not there.
func places<Value: BitwiseCopyable>(_ one: Value?, _ other: Value?) -> String {
    guard let one, let other else { return one == nil ? " (model: gone)" : " (kernel: gone)" }
    return unsafe withUnsafeBytes(of: one) { one in
        unsafe withUnsafeBytes(of: other) { other in
            let places = unsafe zip(one, other).enumerated().filter { $0.1.0 != $0.1.1 }
            return " at " + places.map { "\($0.0): \($0.1.0) \($0.1.1)" }.joined(separator: ", ")
        }
    }
}
