// SPDX-License-Identifier: Apache-2.0

import TLSClassifier
import Testing

@Suite struct `ClientHello reader` {
    @Test(arguments: CapturedHello.all)
    func `reads what a real client says from one piece`(hello: CapturedHello) throws {
        let bytes = try hello.bytes()
        hello.check(classify(bytes), length: bytes.count)
    }

    @Test(arguments: CapturedHello.all)
    func `gives the same answer byte by byte as in one piece`(hello: CapturedHello) throws {
        let bytes = try hello.bytes()
        #expect(classifyByteByByte(bytes) == classify(bytes))
    }

    @Test(arguments: CapturedHello.all)
    func `wants more of every prefix and answers at the last byte`(hello: CapturedHello) throws {
        let bytes = try hello.bytes()
        for count in bytes.indices {
            #expect(classify(Array(bytes[..<count])) == .needsMore, "prefix of \(count) bytes")
        }
        var reader = ClientHelloReader()
        for index in bytes.indices.dropLast() {
            #expect(reader.read(bytes.span.extracting(index..<index + 1)) == .needsMore)
        }
        hello.check(reader.read(bytes.span.extracting((bytes.count - 1)...)), length: bytes.count)
    }

    @Test(arguments: CapturedHello.all)
    func `puts together a hello in records of any size`(hello: CapturedHello) throws {
        for size in [1, 2, 3, 4, 5, 63, 250] {
            let stream = records(try hello.message(), of: size)
            hello.check(classify(stream), length: stream.count)
            hello.check(classifyByteByByte(stream), length: stream.count)
        }
    }

    @Test(arguments: CapturedHello.all)
    func `does not care where the stream is cut`(hello: CapturedHello) throws {
        let bytes = try hello.bytes()
        for cut in 1..<bytes.count {
            var pieces = [cut, bytes.count].makeIterator()
            hello.check(
                classify(bytes) { pieces.next() ?? 1 }, length: bytes.count)
        }
        var numbers = SeededNumbers(seed: 1)
        for size in 1...50 {
            let stream = records(try hello.message(), of: size)
            let answer = classify(stream) { Int.random(in: 1...100, using: &numbers) }
            hello.check(answer, length: stream.count)
        }
    }

    @Test(arguments: CapturedHello.all)
    func `leaves what follows the hello alone`(hello: CapturedHello) throws {
        let bytes = try hello.bytes()
        let earlyData: [UInt8] = [23, 3, 3, 0x40, 0] + [UInt8](repeating: 0xee, count: 0x4000)
        let changeCipherSpec: [UInt8] = [20, 3, 3, 0, 1, 1]
        for rest in [earlyData, changeCipherSpec + earlyData, [0xff], bytes] {
            hello.check(classify(bytes + rest), length: bytes.count)
            hello.check(classifyByteByByte(bytes + rest), length: bytes.count)
        }
    }

    @Test(arguments: [1, 536, 1448])
    func `reads a post-quantum hello, which no single segment holds`(segment: Int) throws {
        let bytes = try CapturedHello.postQuantum.bytes()
        #expect(bytes.count > 1536)
        // X25519MLKEM768 is group 0x11ec; its share is 1184 bytes of ML-KEM and 32 of X25519.
        #expect(bytes.firstRange(of: [0x11, 0xec, 0x04, 0xc0]) != nil)
        CapturedHello.postQuantum.check(classify(bytes) { segment }, length: bytes.count)
        let stream = records(try CapturedHello.postQuantum.message(), of: segment)
        CapturedHello.postQuantum.check(classify(stream) { segment }, length: stream.count)
    }

    @Test func `stands by its answer`() throws {
        let hello = HelloBuilder.with(HelloBuilder.serverName("a.test")).stream
        var reader = ClientHelloReader()
        let answer = reader.read(hello.span)
        #expect(reader.read([UInt8(ascii: "x")].span) == answer)
        #expect(reader.read([UInt8]().span) == answer)
        var stranger = ClientHelloReader()
        #expect(stranger.read([UInt8(ascii: "G")].span) == .notClassifiable(.notTLS))
        #expect(stranger.read(hello.span) == .notClassifiable(.notTLS))
    }

    @Test func `wants more of nothing`() {
        #expect(classify([]) == .needsMore)
        var reader = ClientHelloReader()
        let hello = HelloBuilder.with(HelloBuilder.serverName("a.test")).stream
        #expect(reader.read([UInt8]().span) == .needsMore)
        #expect(reader.read(hello.span) == classify(hello))
    }

    @Test(arguments: 0...4)
    func `ignores the minor version of the records`(minor: UInt8) {
        var stream = HelloBuilder.with(HelloBuilder.serverName("a.test")).stream
        stream[2] = minor
        #expect(classify(stream) == classifyByteByByte(stream))
        guard case .hello = classify(stream) else {
            Issue.record("0x03\(minor) was refused")
            return
        }
    }
}
