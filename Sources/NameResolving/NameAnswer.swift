// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// The addresses in a DNS message (RFC 1035 §4, RFC 3596), wherever their chain of names leads. No I/O.
public struct NameAnswer: Hashable, Sendable {
    /// Of the records of the answer section, in their order.
    public var addresses: [IPAddress]
    /// The least of all records there, aliases among them; seconds.
    public var timeToLive: UInt32

    /// Nothing.
    public static let none = NameAnswer(addresses: [], timeToLive: 0)

    /// What is known of addresses for so many seconds.
    public init(addresses: [IPAddress], timeToLive: UInt32) {
        self.addresses = addresses
        self.timeToLive = timeToLive
    }

    /// Reads a message; nil: it contradicts itself.
    public init?(reading message: Span<UInt8>) {
        var place = Place(end: message.count)
        guard place.skip(4), let questions = place.word(of: message),
            let answers = place.word(of: message), place.skip(4)
        else { return nil }
        for _ in 0..<questions {
            guard place.skipName(of: message), place.skip(4) else { return nil }
        }
        self.init(addresses: [], timeToLive: .max)
        for _ in 0..<answers {
            guard place.skipName(of: message), let type = place.word(of: message),
                let kind = place.word(of: message), let high = place.word(of: message),
                let low = place.word(of: message), let length = place.word(of: message),
                let data = place.take(Int(length))
            else { return nil }
            // RFC 2181 §8: the top bit set means 0.
            let time = UInt32(high) << 16 | UInt32(low)
            timeToLive = min(timeToLive, time >> 31 == 0 ? time : 0)
            // Class IN; A and AAAA.
            if kind == 1, let address = Self.address(type, message, data) {
                addresses.append(address)
            }
        }
        if answers == 0 { timeToLive = 0 }
    }

    private static func address(
        _ type: UInt16, _ message: Span<UInt8>, _ data: Range<Int>
    ) -> IPAddress? {
        switch (type, data.count) {
        case (1, 4):
            return IPAddress(v4: UInt32(truncatingIfNeeded: number(message, data)))
        case (28, 16):
            let middle = data.lowerBound + 8
            return IPAddress(
                high: number(message, data.lowerBound..<middle),
                low: number(message, middle..<data.upperBound))
        default: return nil
        }
    }

    private static func number(_ message: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var number: UInt64 = 0
        for index in range { number = number << 8 | UInt64(message[index]) }
        return number
    }
}

/// Where a reader is in a message.
private struct Place {
    private var at = 0
    private let end: Int

    init(end: Int) { self.end = end }

    mutating func take(_ count: Int) -> Range<Int>? {
        guard count <= end - at else { return nil }
        defer { at += count }
        return at..<at + count
    }

    mutating func skip(_ count: Int) -> Bool { take(count) != nil }

    mutating func word(of message: Span<UInt8>) -> UInt16? {
        guard let range = take(2) else { return nil }
        return UInt16(message[range.lowerBound]) << 8 | UInt16(message[range.lowerBound + 1])
    }

    /// A name: labels, then nothing or a pointer to more, which need not be followed.
    mutating func skipName(of message: Span<UInt8>) -> Bool {
        while let place = take(1) {
            let length = message[place.lowerBound]
            switch length >> 6 {
            case 0:
                if length == 0 { return true }
                guard skip(Int(length)) else { return false }
            case 3: return skip(1)
            default: return false
            }
        }
        return false
    }
}
