// SPDX-License-Identifier: Apache-2.0

import TLSClassifier
import Testing

@Suite struct `Streams that are no TLS` {
    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "EHLO x\r\n",
        "\0\0\0\u{8}",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
    ])
    func `are told by their first byte`(text: String) {
        let bytes = Array(text.utf8)
        #expect(classify(Array(bytes[..<1])) == .notClassifiable(.notTLS))
        #expect(classify(bytes) == .notClassifiable(.notTLS))
    }

    @Test func `include the hello of SSLv2`() {
        let hello: [UInt8] = [0x80, 0x2e, 0x01, 0x03, 0x01, 0x00, 0x15, 0x00, 0x00, 0x00, 0x10]
        #expect(classify(Array(hello[..<1])) == .notClassifiable(.notTLS))
        #expect(classify(hello) == .notClassifiable(.notTLS))
    }

    @Test(arguments: [20, 21, 23, 24] as [UInt8])
    func `include other records of TLS`(type: UInt8) {
        #expect(classify([type]) == .notClassifiable(.notTLS))
    }

    @Test func `may begin like a record`() {
        #expect(classify([22]) == .needsMore)
        #expect(classify([22, 2]) == .notClassifiable(.notTLS))
        #expect(classify([22, 3]) == .needsMore)
        #expect(classify([22, 3, 5]) == .notClassifiable(.notTLS))
        #expect(classify([22, 3, 4]) == .needsMore)
    }
}
