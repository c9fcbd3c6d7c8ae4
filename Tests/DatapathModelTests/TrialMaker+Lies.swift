// SPDX-License-Identifier: Apache-2.0

@testable import DatapathModel

extension TrialMaker {
    /// An ICMP error about a packet of the flow, as it left.
    mutating func icmpError() -> [UInt8] {
        guard let row = trial.rows.last?.row else { return [UInt8](repeating: 0, count: 60) }
        let other = trial.rows.first?.row ?? row
        var quoted = Draft(trial.rows[trial.rows.count - 1].key.reversed)
        quoted.link = .raw
        quoted.timeToLive = random.byte()
        quoted.flags = flags(of: quoted)
        let sent = UInt32(truncatingIfNeeded: other.nextSequence) &+ other.sequenceDelta
        quoted.sequence = random.near(random.oneIn(2) ? sent : row.lastAcknowledgement)
        quoted.payload = bytes(random.below(40))
        var quote = quoted.bytes
        if random.oneIn(3) { quote = Array(quote.prefix(quoted.tcp + 8)) }
        return icmp(about: quoted, quote)
    }

    private mutating func flags(of quoted: Draft) -> UInt8 { random.oneIn(4) ? 18 : 16 }

    private mutating func icmp(about quoted: Draft, _ quote: [UInt8]) -> [UInt8] {
        let ip = trial.link == .ethernet ? 14 : 0
        let message = ip + (quoted.isIPv6 ? 40 : 20)
        var draft = Draft(
            Tuple(
                source: family.router, destination: quoted.tuple.source, sourcePort: 0,
                destinationPort: 0))
        draft.link = trial.link
        draft.timeToLive = random.oneIn(16) ? UInt8(random.below(3)) : 60
        var packet = Array(draft.bytes[..<message])
        packet += [quoted.isIPv6 ? random.byte() % 6 : random.pick([3, 3, 11, 12, 0, 8])]
        packet += [random.byte() % 6, 0, 0, 0, 0, random.byte(), random.byte()] + quote
        let length = UInt16(packet.count - (quoted.isIPv6 ? message : ip))
        packet.put(length, at: quoted.isIPv6 ? ip + 4 : ip + 2)
        packet[ip + (quoted.isIPv6 ? 6 : 9)] = quoted.isIPv6 ? 58 : 1
        let passage = Passage(packet, quoted.isIPv6 ? 0x86dd : 0x0800, trial.link, trial.emptyWorld)
        let sum = passage.icmpSum(message, isIPv6: quoted.isIPv6).checksum
        if !quoted.isIPv6 { packet.put(passage.ipv4Sum().checksum, at: ip + 10) }
        packet.put(sum, at: message + 2)
        return packet
    }

    /// Fields that do not fit each other, cut packets, padding, wrong checksums.
    mutating func tellLies() {
        let ip = trial.link == .ethernet ? 14 : 0
        let isIPv6 = family.isIPv6
        for _ in 0...random.below(3) {
            let last = trial.packet.count - 1
            let tcp = min(ip + (isIPv6 ? 40 : 20), last)
            switch random.below(12) {
            case 0: trial.packet[flippable(ip, last)] = random.byte()
            case 1: trial.packet[flippable(ip, last)] ^= 1 << (random.byte() & 7)
            case 2: trial.packet = Array(trial.packet.prefix(max(15, random.below(last + 1))))
            case 3: trial.packet += bytes(random.below(40))
            case 4: trial.packet[min(tcp + 12, last)] = random.byte()
            case 5: trial.packet[min(tcp + 13, last)] = random.byte()
            case 6: damage(min(tcp + 16, last - 1))
            case 7: damage(min(ip + 10, last - 1), unless: isIPv6)
            case 8: length(ip + (isIPv6 ? 4 : 2), last)
            case 9:
                trial.packet[min(ip + (isIPv6 ? 6 : 9), last)] = random.pick([
                    1, 6, 17, 44, 58, 0, 60,
                ])
            case 10:
                trial.packet[min(ip + 6, last)] = isIPv6 ? 44 : random.pick([0x20, 0x1f, 0x60])
            default: trial.packet[ip] = random.byte()
            }
        }
    }

    /// Any byte behind the link header, but none that would send an answer through another route.
    private mutating func flippable(_ ip: Int, _ last: Int) -> Int {
        let front = min(last, ip + 90)
        let at = ip + random.below(front - ip + 1)
        let source = family.isIPv6 ? ip + 8..<ip + 22 : ip + 12..<ip + 14
        return source.contains(at) ? min(ip + 1, last) : at
    }

    private mutating func damage(_ at: Int, unless isOther: Bool = false) {
        guard !isOther else { return }
        trial.packet.put(random.oneIn(3) ? random.pick([0, 0xffff]) : random.half(), at: at)
    }

    private mutating func length(_ at: Int, _ last: Int) {
        guard at < last else { return }
        let old = trial.packet.half(at)
        let new = old &+ UInt16(random.below(9)) &- 4
        trial.packet.put(random.oneIn(3) ? random.pick([0, 1, 20, 40, 0xffff]) : new, at: at)
    }
}

extension Trial {
    var emptyWorld: World { World(route: { _ in nil }) }
}
