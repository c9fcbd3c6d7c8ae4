// SPDX-License-Identifier: Apache-2.0

import Datapath

/// Hellos that rows of trials name.
struct Template: Sendable {
    /// What is really there.
    let segments: [[UInt8]]
    /// How many segments the row names; one more than there is: it was overwritten.
    let named: Int

    var length: Int { segments.reduce(0) { $0 + $1.count } }

    static let all: [Template] = [
        Template(segments: [pattern(1)], named: 1),
        Template(segments: [pattern(517)], named: 1),
        Template(segments: [pattern(700), pattern(533)], named: 2),
        Template(segments: [pattern(400), pattern(400), pattern(77)], named: 3),
        Template(segments: [], named: 1),
        Template(segments: [pattern(301)], named: 2),
    ]

    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    }
}
