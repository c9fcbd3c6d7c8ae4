// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// What names stood for last, and when they have to be asked for again. No I/O and no clock; times are
/// CLOCK_MONOTONIC nanoseconds.
public struct NameBook: Sendable {
    private struct Entry {
        /// In an order of their own, so that a server's turns are no change.
        var addresses: [IPAddress] = []
        var nextLook: UInt64
        /// Looks in a row that found nothing.
        var failures = 0
    }

    /// The shortest and longest time between two looks, whatever a server says.
    public static let interval: ClosedRange<UInt64> = 1_000_000_000...3_600_000_000_000
    private var entries: [String: Entry] = [:]

    /// An empty book.
    public init() {}

    /// The addresses of a name, the last that were found; empty: none yet.
    public func addresses(of name: String) -> [IPAddress] { entries[name]?.addresses ?? [] }

    /// Follows these names and no others; who is new is due at once.
    public mutating func follow(_ names: Set<String>, now: UInt64) {
        entries = entries.filter { names.contains($0.key) }
        for name in names where entries[name] == nil { entries[name] = Entry(nextLook: now) }
    }

    /// All names that it follows.
    public var names: Set<String> { Set(entries.keys) }

    /// Names that are due.
    public func due(now: UInt64) -> [String] {
        entries.filter { $0.value.nextLook <= now }.map(\.key).sorted()
    }

    /// When the next one is; nil: never.
    public var nextLook: UInt64? { entries.values.map(\.nextLook).min() }

    /// Takes in what was found; `answer` nil or without an address: nothing, and what was known stays.
    /// True: the name stands for others than before.
    public mutating func note(_ answer: NameAnswer?, of name: String, now: UInt64) -> Bool {
        guard var entry = entries[name] else { return false }
        defer { entries[name] = entry }
        guard let answer, !answer.addresses.isEmpty else {
            // Soon again, then less often, half a minute at most.
            let pause = min(1 << UInt64(min(entry.failures, 5)), 30) * 1_000_000_000 as UInt64
            entry.failures += 1
            entry.nextLook = now + pause
            return false
        }
        let time = UInt64(answer.timeToLive) * 1_000_000_000
        entry.failures = 0
        entry.nextLook = now + min(max(time, Self.interval.lowerBound), Self.interval.upperBound)
        let addresses = Set(answer.addresses).sorted { ($0.high, $0.low) < ($1.high, $1.low) }
        defer { entry.addresses = addresses }
        return addresses != entry.addresses
    }

    /// How often in a row nothing was found of a name.
    public func failures(of name: String) -> Int { entries[name]?.failures ?? 0 }
}
