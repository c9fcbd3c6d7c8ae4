// SPDX-License-Identifier: Apache-2.0

/// The bytes of one direction that a wire has carried so far, each where it was seen first: pieces
/// of captured frames, in order of their offsets, without overlap. Nothing is copied.
struct CarriedBytes {
    private struct Piece {
        var range: Range<Int>
        let bytes: [UInt8]
        /// Where in `bytes` the piece begins.
        var start: Int
    }

    private var pieces: [Piece] = []

    var count: Int { pieces.reduce(0) { $0 + $1.range.count } }

    /// The first piece that ends behind `offset`.
    private func place(_ offset: Int) -> Int {
        var low = 0
        var high = pieces.count
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].range.upperBound <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Takes what is new of `packet`'s data, which begins at `offset`.
    mutating func insert(_ packet: TCPPacket, at offset: Int) {
        let end = offset + packet.payload.count
        var next = offset
        var at = place(offset)
        while next < end {
            let isLast = at == pieces.count
            let limit = isLast ? end : min(end, pieces[at].range.lowerBound)
            if next < limit {
                let start = packet.payload.lowerBound + next - offset
                pieces.insert(
                    Piece(range: next..<limit, bytes: packet.bytes, start: start), at: at)
                at += 1
            }
            if isLast || at == pieces.count { return }
            next = pieces[at].range.upperBound
            at += 1
        }
    }

    /// The first offset at which `packet`'s data, which begins at `offset`, differs from what was
    /// carried; nil: nowhere. What was never carried is not looked at.
    func difference(_ packet: TCPPacket, at offset: Int) -> Int? {
        let range = offset..<offset + packet.payload.count
        for piece in pieces[place(offset)...] {
            guard piece.range.lowerBound < range.upperBound else { return nil }
            let common = piece.range.clamped(to: range)
            let left = packet.payload.lowerBound + common.lowerBound - offset
            let right = piece.start + common.lowerBound - piece.range.lowerBound
            if packet.bytes.matches(left, piece.bytes, right, count: common.count) { continue }
            return common.first {
                packet.bytes[left + $0 - common.lowerBound]
                    != piece.bytes[right + $0 - common.lowerBound]
            }
        }
        return nil
    }

    func byte(_ offset: Int) -> UInt8? {
        let at = place(offset)
        guard at < pieces.count, pieces[at].range.contains(offset) else { return nil }
        return pieces[at].bytes[pieces[at].start + offset - pieces[at].range.lowerBound]
    }
}
