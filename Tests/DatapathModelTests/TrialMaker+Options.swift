// SPDX-License-Identifier: Apache-2.0

extension TrialMaker {
    /// TCP options: as systems write them, at any alignment, and with lies.
    mutating func options() -> [UInt8] {
        switch random.below(8) {
        case 0...1: return []
        case 2...3: return [1, 1] + timestamps()
        case 4: return [2, 4, 5, 0xb4, 4, 2] + timestamps() + [1, 3, 3, 7]
        case 5: return pad([1, 1] + timestamps() + sack())
        case 6: return pad(bytes(random.below(41)))
        default: return pad(pieces())
        }
    }

    private mutating func pieces() -> [UInt8] {
        var all: [UInt8] = []
        for _ in 0...random.below(6) {
            switch random.below(10) {
            case 0...1: all += timestamps()
            case 2...3: all += sack()
            case 4: all += [2, 4, random.byte(), random.byte()]
            case 5: all += [3, 3, random.byte() & 31]
            case 6: all += [4, 2]
            case 7: all += random.oneIn(3) ? [0] : [1]
            case 8: all += [random.pick([2, 3, 4, 5, 8, 30, 253]), UInt8(random.below(44))]
            default: all += [1]
            }
        }
        return all
    }

    private mutating func timestamps() -> [UInt8] {
        let echo = random.oneIn(4) ? [0, 0, 0, 0] : bytes(4)
        return [8, 10] + bytes(4) + echo
    }

    private mutating func sack() -> [UInt8] {
        let length = random.oneIn(8) ? 2 + random.below(38) : 2 + 8 * (1 + random.below(4))
        return [5, UInt8(length)] + bytes(length - 2)
    }

    /// To a multiple of 4, at most 40.
    private mutating func pad(_ options: [UInt8]) -> [UInt8] {
        var options = Array(options.prefix(40))
        let filling = random.byte() & 1
        while options.count % 4 != 0 { options.append(filling) }
        return options
    }
}
