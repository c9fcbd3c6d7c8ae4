// SPDX-License-Identifier: Apache-2.0

/// Reads a ClientHello from a byte stream cut anywhere: segments, records, single bytes.
///
///     ┌─▶ record header (5 bytes) ──▶ fragment (1…2¹⁴ bytes) ──▶ hello complete ──▶ body read
///     └───────────────── fragment at its end ──┘
///
/// The usual hello lies whole in the first record of the first span and is read in place. Any other
/// is put together in a buffer first, so its bytes are looked at once, and both ways end in the
/// same reading of the body. The buffer grows with what came, never with what a header claims.
public struct ClientHelloReader: Sendable {
    private let limit: Int
    /// Bytes of the stream taken so far.
    private var position = 0
    private var header = RecordHeader()
    /// Type, length and body of the hello, without the record headers.
    private var message: [UInt8] = []
    /// How many bytes `message` will have; 4 until its length is known.
    private var messageSize = Self.prefixSize
    private var answer = Classification.needsMore

    /// The hello's type and length of three bytes (RFC 8446 §4).
    private static let prefixSize = 4
    private static let helloType: UInt8 = 1

    /// A reader that gives up on hellos of more than `limit` bytes (records included).
    public init(limit: Int = 16384) { self.limit = limit }

    /// Takes the next bytes of the stream. After `hello` or `notClassifiable` the answer stays.
    public mutating func read(_ bytes: Span<UInt8>) -> Classification {
        guard case .needsMore = answer else { return answer }
        if position == 0, let whole = Self.wholeHello(bytes, limit) {
            answer = whole
            return answer
        }
        var index = 0
        while index < bytes.count, case .needsMore = answer {
            if header.fragmentLeft == 0 {
                takeHeader(bytes[index])
                index += 1
            } else {
                let count = min(
                    header.fragmentLeft, bytes.count - index, messageSize - message.count)
                takeFragment(bytes.extracting(index..<index + count))
                index += count
            }
        }
        return answer
    }

    /// The answer when the span starts with one record that holds the whole hello; nil otherwise,
    /// for whatever reason: the long way finds it.
    private static func wholeHello(_ bytes: Span<UInt8>, _ limit: Int) -> Classification? {
        let bodyStart = RecordHeader.size + prefixSize
        guard bytes.count > bodyStart else { return nil }
        var header = RecordHeader()
        for index in 0..<RecordHeader.size where header.take(bytes[index]) != nil { return nil }
        guard bytes[5] == helloType else { return nil }
        let bodySize = Int(bytes[6]) << 16 | Int(bytes[7]) << 8 | Int(bytes[8])
        let end = bodyStart + bodySize
        guard prefixSize + bodySize <= header.fragmentLeft, end <= bytes.count, end <= limit
        else { return nil }
        return HelloBody.classify(bytes.extracting(bodyStart..<end), length: end)
    }

    private mutating func takeHeader(_ byte: UInt8) {
        position += 1
        if let reason = header.take(byte) { return settle(.notClassifiable(reason)) }
        if header.fragmentLeft > 0 { checkSize() }
    }

    /// Takes bytes of the hello, never more than it still lacks.
    private mutating func takeFragment(_ bytes: Span<UInt8>) {
        position += bytes.count
        header.fragmentLeft -= bytes.count
        message.append(addingCapacity: bytes.count) { output in
            for index in bytes.indices { output.append(bytes[index]) }
        }
        if message[0] != Self.helloType { return settle(.notClassifiable(.malformed)) }
        guard message.count == messageSize else { return }
        if messageSize == Self.prefixSize {
            messageSize += Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
            checkSize()
        }
        if message.count == messageSize, case .needsMore = answer { finish() }
    }

    /// Gives up when what came and what must still come is too much. Further record headers count
    /// when they come.
    private mutating func checkSize() {
        if position + (messageSize - message.count) > limit {
            settle(.notClassifiable(.tooLarge))
        }
    }

    private mutating func finish() {
        let message = message
        let body = message.span.extracting(Self.prefixSize..<messageSize)
        settle(HelloBody.classify(body, length: position))
    }

    private mutating func settle(_ classification: Classification) {
        answer = classification
        message = []
    }
}
