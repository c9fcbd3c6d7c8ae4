// SPDX-License-Identifier: Apache-2.0

/// Clients whose hello is not complete, oldest first.
///
/// Those that leave from the middle are only counted off; their numbers are dropped when they come
/// to the front, or when they are more than half.
struct HalfClassified {
    private var queue: [UInt64] = []
    private var head = 0
    private(set) var count = 0

    mutating func insert(_ id: UInt64) {
        queue.append(id)
        count += 1
    }

    /// One of them left; `isMember` tells the others.
    mutating func remove(isMember: (UInt64) -> Bool) {
        count -= 1
        guard queue.count > 64, queue.count > 2 * count else { return }
        queue = queue[head...].filter(isMember)
        head = 0
    }

    /// The oldest that is still one.
    mutating func oldest(isMember: (UInt64) -> Bool) -> UInt64? {
        while head < queue.count {
            if isMember(queue[head]) { return queue[head] }
            head += 1
        }
        return nil
    }
}
