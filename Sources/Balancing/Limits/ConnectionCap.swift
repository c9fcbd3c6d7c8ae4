// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How many connections there are somewhere. Lives on while its bound changes.
public final class ConnectionCount: Sendable {
    private let count = Atomic<Int>(0)

    /// None.
    public init() {}

    /// Connections now.
    public var current: Int { count.load(ordering: .relaxed) }

    /// One more, unless there are `limit` already; exact however many threads ask.
    func take(below limit: Int) -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= limit { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    func add() { count.add(1, ordering: .relaxed) }

    func remove() { count.subtract(1, ordering: .relaxed) }
}

/// The most connections somewhere.
public struct ConnectionCap: Sendable {
    /// Those there are; caps of the same endpoint in several clusters share it.
    public let count: ConnectionCount
    /// How many there may be.
    public let limit: Int

    /// A cap.
    public init(_ limit: Int, of count: ConnectionCount = ConnectionCount()) {
        self.count = count
        self.limit = limit
    }

    /// Whether there is no place.
    public var isFull: Bool { count.current >= limit }

    /// Takes a place; false when there is none.
    public func take() -> Bool { count.take(below: limit) }

    /// Gives a place back.
    public func giveBack() { count.remove() }
}
