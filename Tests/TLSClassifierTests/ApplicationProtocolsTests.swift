// SPDX-License-Identifier: Apache-2.0

import TLSClassifier
import Testing

@Suite struct `ALPN list` {
    private func list(_ names: [[UInt8]]) -> ApplicationProtocols? {
        list(data: vector16(names.flatMap { vector8($0) }))
    }

    private func list(_ names: String...) -> ApplicationProtocols? {
        list(names.map { Array($0.utf8) })
    }

    private func list(data: [UInt8]) -> ApplicationProtocols? {
        let stream = HelloBuilder.with(HelloBuilder.ext(16, data)).stream
        guard case .hello(let hello) = classify(stream) else { return nil }
        return hello.applicationProtocols
    }

    @Test func `keeps the names in order, however many`() {
        for names in [["h2"], ["http/1.1", "h2"], ["a", "b", "c", "acme-tls/1", "h3-29"]] {
            let found = list(names.map { Array($0.utf8) })
            #expect(found.map { Array($0) } == names)
        }
        let long = String(repeating: "x", count: 255)
        #expect(list("h2", long).map { Array($0) } == ["h2", long])
    }

    @Test func `finds whole names only`() {
        for found in [list("h2", "http/1.1"), list("h2", "http/1.1", "acme-tls/1", "kafka")] {
            #expect(found?.contains("h2") == true)
            #expect(found?.contains("http/1.1") == true)
            #expect(found?.contains("http/1.0") == false)
            #expect(found?.contains("http/1") == false)
            #expect(found?.contains("h") == false)
            #expect(found?.contains("") == false)
            #expect(found?.contains("2\u{8}http/1.1") == false)
        }
    }

    @Test func `takes any bytes for a name`() {
        let found = list([[0xda, 0xda], [0], Array("h2".utf8)])
        #expect(found?.contains("h2") == true)
        #expect(found.map { Array($0) }?.count == 3)
        #expect(found?.contains("\u{fffd}\u{fffd}") == false)
    }

    @Test func `is empty when the client sends none`() {
        #expect(ApplicationProtocols().isEmpty)
        #expect(Array(ApplicationProtocols()) == [])
        #expect(!ApplicationProtocols().contains(""))
        #expect(list("h2")?.isEmpty == false)
    }

    @Test func `is equal to a list of the same names in the same order`() {
        #expect(list("h2", "http/1.1") == list("h2", "http/1.1"))
        #expect(list("h2", "http/1.1") != list("http/1.1", "h2"))
        #expect(list("h2") != list("h3"))
    }

    @Test(
        arguments: [
            [], [0], [0, 0], [0, 1, 0], [0, 2, 0, 0], [0, 3, 2, 104], [0, 3, 3, 104, 50],
            [0, 3, 1, 104, 50], [0, 3, 2, 104, 50, 0], [0, 4, 2, 104, 50, 0],
        ] as [[UInt8]])
    func `is refused when its lengths disagree`(data: [UInt8]) {
        #expect(list(data: data) == nil)
    }
}
