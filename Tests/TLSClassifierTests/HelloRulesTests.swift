// SPDX-License-Identifier: Apache-2.0

import TLSClassifier
import Testing
import WireTypes

@Suite struct `Rules of the ClientHello` {
    private static let name = HelloBuilder.serverName("a.test")

    /// The answer, the same for the stream in one piece and byte by byte.
    private func answer(_ hello: HelloBuilder) -> Classification {
        let answer = classify(hello.stream)
        #expect(classifyByteByByte(hello.stream) == answer)
        return answer
    }

    private func serverName(_ hello: HelloBuilder) -> String? {
        guard case .hello(let hello) = answer(hello) else { return nil }
        return hello.serverName?.text
    }

    private func isMalformed(_ hello: HelloBuilder) -> Bool {
        answer(hello) == .notClassifiable(.malformed)
    }

    @Test func `the session id has at most 32 bytes`() {
        var hello = HelloBuilder.with(Self.name)
        hello.sessionID = vector8([UInt8](repeating: 1, count: 32))
        #expect(serverName(hello) == "a.test")
        hello.sessionID = vector8([UInt8](repeating: 1, count: 33))
        #expect(isMalformed(hello))
    }

    @Test func `cipher suites are pairs of bytes, at least one`() {
        var hello = HelloBuilder.with(Self.name)
        hello.cipherSuites = vector16([])
        #expect(isMalformed(hello))
        hello.cipherSuites = vector16([1, 2, 3])
        #expect(isMalformed(hello))
        hello.cipherSuites = vector16([UInt8](repeating: 1, count: 4000))
        #expect(serverName(hello) == "a.test")
    }

    @Test func `there is a compression method`() {
        var hello = HelloBuilder.with(Self.name)
        hello.compression = vector8([])
        #expect(isMalformed(hello))
        hello.compression = vector8([1, 0])
        #expect(serverName(hello) == "a.test")
    }

    @Test func `the major version is 3`() {
        var hello = HelloBuilder.with(Self.name)
        hello.version = [2, 3]
        #expect(isMalformed(hello))
        hello.version = [3, 9]
        #expect(serverName(hello) == "a.test")
    }

    @Test func `extensions may be left away or empty`() {
        var bare = ClientHello()
        var hello = HelloBuilder(extensions: nil)
        bare.length = hello.stream.count
        #expect(answer(hello) == .hello(bare))
        hello.extensions = []
        bare.length = hello.stream.count
        #expect(answer(hello) == .hello(bare))
    }

    @Test func `extensions end where the hello ends`() {
        var hello = HelloBuilder.with(Self.name)
        hello.afterExtensions = [0]
        #expect(isMalformed(hello))
        #expect(isMalformed(HelloBuilder(extensions: nil, afterExtensions: [0])))
        #expect(isMalformed(HelloBuilder(extensions: nil, afterExtensions: [0, 1])))
        #expect(isMalformed(.with(Self.name, [0, 10, 0])))
        #expect(isMalformed(.with(Self.name, [0, 10, 0, 1])))
    }

    @Test(arguments: [0, 10, 63, 64, 0x0a0a, 0xfe0d, 0xff01, 0xffff])
    func `an extension comes once`(type: Int) {
        let data = type == 0 ? Array(Self.name.dropFirst(4)) : []
        let twice = HelloBuilder.ext(type, data)
        #expect(isMalformed(.with(twice, HelloBuilder.ext(7, []), twice)))
        let others = (1000..<1100).map { HelloBuilder.ext($0, []) }
        #expect(isMalformed(HelloBuilder(extensions: [twice] + others + [twice])))
        #expect(isMalformed(HelloBuilder(extensions: others + [twice, twice])))
    }

    @Test func `thousands of extensions are fine when each comes once`() {
        let others = (100..<4000).map { HelloBuilder.ext($0, []) }
        #expect(serverName(HelloBuilder(extensions: others + [Self.name])) == "a.test")
        #expect(isMalformed(HelloBuilder(extensions: others + [others[2000]])))
    }

    @Test func `the name list holds exactly one host name`() {
        let entry: [UInt8] = [0] + vector16(Array("a.test".utf8))
        let other: [UInt8] = [1] + vector16(Array("a.test".utf8))
        #expect(serverName(.with(HelloBuilder.ext(0, vector16(entry)))) == "a.test")
        for list in [[], other, entry + entry, entry + other, other + entry, entry + [0]] {
            #expect(isMalformed(.with(HelloBuilder.ext(0, vector16(list)))), "\(list)")
        }
        #expect(isMalformed(.with(HelloBuilder.ext(0, []))))
        #expect(isMalformed(.with(HelloBuilder.ext(0, vector16(entry) + [0]))))
        #expect(isMalformed(.with(HelloBuilder.serverName(""))))
    }

    @Test(arguments: ["a b.test", "a\0.test", "192.0.2.1", "2001:db8::1", "[::1]", ".", "a..b"])
    func `a name that is none is told apart`(name: String) {
        let hello = HelloBuilder.with(HelloBuilder.serverName(name))
        #expect(answer(hello) == .notClassifiable(.badServerName))
        var worse = hello
        worse.extensions?.append([0])
        #expect(isMalformed(worse))
    }

    @Test func `a name is compared without case and trailing dot`() {
        #expect(serverName(.with(HelloBuilder.serverName("EXAMPLE.com."))) == "example.com")
        #expect(
            serverName(.with(HelloBuilder.serverName("xn--Bcher-kva.test"))) == "xn--bcher-kva.test"
        )
    }

    @Test func `versions are a list of pairs behind one byte`() {
        func version(_ data: [UInt8]) -> TLSVersion? {
            guard case .hello(let hello) = answer(.with(HelloBuilder.ext(43, data))) else {
                return nil
            }
            return hello.highestVersion
        }
        #expect(version([4, 3, 3, 3, 4]) == .tls13)
        #expect(version([4, 3, 2, 3, 1]) == .tls11)
        #expect(version([6, 0xfa, 0xfa, 0x7f, 28, 3, 3]) == .tls12)
        #expect(version([2, 0xfa, 0xfa]) == .tls12)
        #expect(version([]) == nil)
        #expect(version([0]) == nil)
        #expect(version([1, 3]) == nil)
        #expect(version([3, 3, 4, 3]) == nil)
        #expect(version([2, 3, 4, 0]) == nil)
        #expect(version([4, 3, 4]) == nil)
    }

    @Test func `GREASE looks like any encrypted_client_hello`() {
        for data in [[], [0], [UInt8](repeating: 7, count: 200)] {
            guard case .hello(let hello) = answer(.with(Self.name, HelloBuilder.ext(0xfe0d, data)))
            else {
                Issue.record("refused: \(data)")
                return
            }
            #expect(hello.hasEncryptedClientHello)
            #expect(hello.serverName?.text == "a.test")
        }
    }
}
