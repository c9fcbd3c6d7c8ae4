// SPDX-License-Identifier: Apache-2.0

@testable import DatapathModel

/// Makes a failing trial small: one simplification after the other, as long as a difference stays.
struct Shrinker {
    let side: KernelSide
    let model: Model

    func shrink(_ comparison: Comparison) throws -> Comparison {
        var best = comparison
        guard !best.differences.isEmpty else { return best }
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for candidate in candidates(best.trial) {
                guard candidate.size < best.trial.size, candidate.packet.count >= 15,
                    let smaller = try side.compare(candidate, with: model),
                    !smaller.differences.isEmpty
                else { continue }
                best = smaller
                hasChanged = true
                break
            }
        }
        return best
    }

    private func candidates(_ trial: Trial) -> [Trial] {
        var all = withoutData(trial) + withoutOptions(trial)
        for index in trial.rows.indices {
            all.append(trial.with { $0.rows.remove(at: index) })
            all += simplerRows(trial, index)
        }
        all.append(trial.with { $0.segments = 0 })
        all.append(trial.with { $0.segmentSize = 0 })
        all.append(trial.with { $0.priority = 0 })
        for at in trial.packet.indices where trial.packet[at] != 0 {
            all.append(trial.with { $0.packet[at] = 0 })
        }
        return all
    }

    private func segment(_ trial: Trial) -> Segment? {
        let world = World(route: { _ in nil })
        let passage = Passage(trial.packet, trial.etherType, trial.link, world)
        guard case .segment(let segment) = passage.find() else { return nil }
        return segment
    }

    private func withoutData(_ trial: Trial) -> [Trial] {
        guard let segment = segment(trial) else {
            return [trial.with { $0.packet = Array($0.packet.dropLast()) }]
        }
        let start = segment.tcp + segment.header
        return [0, segment.payload / 2, segment.payload - 1].filter { $0 >= 0 }.map { data in
            trial.with {
                $0.packet = sealed($0.packet, segment, Array($0.packet[..<(start + data)]))
            }
        }
    }

    private func withoutOptions(_ trial: Trial) -> [Trial] {
        guard let segment = segment(trial), segment.header > 20 else { return [] }
        let options = segment.tcp + 20
        return stride(from: 0, to: segment.header - 20, by: 4).map { at in
            trial.with {
                var packet = $0.packet
                packet.removeSubrange(options + at..<options + at + 4)
                packet[segment.tcp + 12] -= 0x10
                $0.packet = sealed($0.packet, segment, packet)
            }
        }
    }

    /// Lengths and checksums of a shorter packet, if they were right before.
    private func sealed(_ old: [UInt8], _ segment: Segment, _ packet: [UInt8]) -> [UInt8] {
        var packet = packet
        let ip = segment.isIPv6 ? 40 : 20
        let start = old.count >= 14 && segment.tcp >= 14 + ip ? 14 : 0
        let length = packet.count - start
        packet.put(
            UInt16(segment.isIPv6 ? length - 40 : length), at: start + (segment.isIPv6 ? 4 : 2))
        var passage = Passage(
            packet, segment.isIPv6 ? 0x86dd : 0x0800, start == 14 ? .ethernet : .raw,
            World(route: { _ in nil }))
        let sum = passage.tcpSum(segment.tcp, packet.count, isIPv6: segment.isIPv6)
        passage.bytes.put(sum.checksum, at: segment.tcp + 16)
        if !segment.isIPv6 { passage.bytes.put(passage.ipv4Sum().checksum, at: start + 10) }
        return passage.bytes
    }

    private func simplerRows(_ trial: Trial, _ index: Int) -> [Trial] {
        let zeros: [WritableKeyPath<Row, UInt32>] = [
            \.sequenceDelta, \.acknowledgementDelta, \.timestampDelta, \.echoDelta,
            \.lastAcknowledgement, \.ingressInterface, \.firstSequence,
            \.ownISN, \.lastSeen, \.lastData,
        ]
        let wide: [WritableKeyPath<Row, UInt64>] = [\.packets, \.bytes, \.nextSequence]
        var all = zeros.map { path in trial.with { $0.rows[index].row[keyPath: path] = 0 } }
        all += wide.map { path in trial.with { $0.rows[index].row[keyPath: path] = 0 } }
        all.append(trial.with { $0.rows[index].row.windowShift = 0 })
        all.append(trial.with { $0.rows[index].row.timesToldLimit = 0 })
        all.append(trial.with { $0.rows[index].row.endpointScale = 0 })
        all.append(trial.with { $0.rows[index].row.prefaceLength = 0 })
        all.append(trial.with { $0.rows[index].row.nextHop = NextHop() })
        all.append(trial.with { $0.rows[index].seen = .noted })
        for bit in 1..<9 {
            all.append(trial.with { $0.rows[index].row.flags.remove(RowFlags(rawValue: 1 << bit)) })
        }
        all.append(
            trial.with {
                $0.rows[index].row.handover = Handover()
                $0.rows[index].template = -1
            })
        return all
    }
}

extension Trial {
    fileprivate func with(_ change: (inout Trial) -> Void) -> Trial {
        var trial = self
        change(&trial)
        return trial
    }

    /// How much there is to read: bytes, bytes that are not zero, fields of rows that are not.
    var size: Int {
        var size = packet.count * 2 + packet.count { $0 != 0 }
        for row in rows { size += 20 + row.row.size + (row.seen == .noted ? 0 : 1) }
        return size + (segments > 0 ? 1 : 0) + (segmentSize > 0 ? 1 : 0) + (priority > 0 ? 1 : 0)
    }
}

extension Row {
    fileprivate var size: Int {
        let words: [UInt32] = [
            sequenceDelta, acknowledgementDelta, timestampDelta, echoDelta, lastAcknowledgement,
            ingressInterface, firstSequence, ownISN, lastSeen,
            lastData,
        ]
        let wide: [UInt64] = [packets, bytes, nextSequence]
        let others = [
            windowShift != 0, timesToldLimit != 0, endpointScale != 0, prefaceLength != 0,
            nextHop.isKnown, handover != Handover(),
        ]
        return words.count { $0 != 0 } + wide.count { $0 != 0 } + others.count { $0 }
            + flags.rawValue.nonzeroBitCount
    }
}
