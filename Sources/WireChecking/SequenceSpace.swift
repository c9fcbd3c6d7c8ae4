// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// The sequence numbers of one direction on one wire, as offsets that do not wrap: the first byte
/// behind the SYN is 0 and the SYN itself −1. Both wires of a flow so have the same offsets.
struct SequenceSpace {
    private let first: SequenceNumber
    /// The furthest that was sent. A number stands for the offset nearest to it.
    private var reach = 0

    /// isn: of the SYN or SYN-ACK.
    init(isn: UInt32) { first = SequenceNumber(isn).advanced(by: 1) }

    func offset(_ number: UInt32) -> Int {
        reach + first.advanced(by: reach).distance(to: SequenceNumber(number))
    }

    /// Empty when the edges stand the wrong way round.
    func range(_ block: SACKBlock) -> Range<Int> {
        let left = offset(block.left)
        return left..<max(left, offset(block.right))
    }

    mutating func sent(upTo offset: Int) { reach = max(reach, offset) }
}
