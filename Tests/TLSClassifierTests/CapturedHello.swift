// SPDX-License-Identifier: Apache-2.0

import Foundation
import TLSClassifier
import Testing
import WireTypes

/// A hello that a real client sent on loopback (Captures/README.md), and what it says.
struct CapturedHello: Sendable, CustomTestStringConvertible {
    let file: String
    let serverName: String?
    var protocols: [String] = []
    var version = TLSVersion.tls13
    var hasEncryptedClientHello = false

    var testDescription: String { file }

    /// OpenSSL's own, with a key share of X25519MLKEM768.
    static let postQuantum = CapturedHello(
        file: "openssl-3.5.6", serverName: "post-quantum.example.com",
        protocols: ["h2", "http/1.1"])

    static let all: [CapturedHello] = [
        CapturedHello(
            file: "chromium-156.0.8078.79", serverName: "chromium.example.com",
            protocols: ["h2", "http/1.1"], hasEncryptedClientHello: true),
        CapturedHello(
            file: "curl-7.88.1", serverName: "curl.example.com", protocols: ["h2", "http/1.1"]),
        CapturedHello(
            file: "gnutls-3.7.9", serverName: "gnutls.example.com", protocols: ["h2", "http/1.1"]),
        CapturedHello(
            file: "gnutls-3.7.9-tls1.2", serverName: "gnutls.example.com", version: .tls12),
        CapturedHello(file: "go-1.19.8", serverName: "go.example.com", protocols: ["h2"]),
        CapturedHello(
            file: "java-17.0.15", serverName: "java.example.com", protocols: ["h2", "http/1.1"]),
        CapturedHello(
            file: "node-20.20.2", serverName: "node.example.com", protocols: ["http/1.1"]),
        CapturedHello(file: "nss-3.87.1", serverName: "nss.example.com"),
        CapturedHello(
            file: "openssl-3.0.22-alpn-many", serverName: "alpn.example.com",
            protocols: ["acme-tls/1", "h2", "http/1.1", "kafka", "mqtt"]),
        CapturedHello(file: "openssl-3.0.22-no-sni", serverName: nil),
        CapturedHello(file: "openssl-3.0.22-tls1.0-no-sni", serverName: nil, version: .tls10),
        CapturedHello(
            file: "openssl-3.0.22-tls1.1", serverName: "old.example.com", version: .tls11),
        CapturedHello(
            file: "openssl-3.0.22-tls1.2-alpn", serverName: "www.example.com",
            protocols: ["h2", "http/1.1"], version: .tls12),
        CapturedHello(file: "openssl-3.0.22-tls1.3", serverName: "www.example.com"),
        postQuantum,
        CapturedHello(
            file: "python-3.11.7", serverName: "python.example.com", protocols: ["http/1.1"]),
    ]

    /// What came over the wire: one record.
    func bytes() throws -> [UInt8] {
        let url = try #require(
            Bundle.module.url(forResource: "Captures/\(file)", withExtension: "bin"))
        return [UInt8](try Data(contentsOf: url))
    }

    /// The hello without the header of its record.
    func message() throws -> [UInt8] { Array(try bytes().dropFirst(5)) }

    /// Asserts that `answer` is this hello, `length` bytes long.
    func check(
        _ answer: Classification, length: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard case .hello(let hello) = answer else {
            Issue.record("\(answer) is no hello", sourceLocation: sourceLocation)
            return
        }
        #expect(hello.serverName?.text == serverName, sourceLocation: sourceLocation)
        #expect(Array(hello.applicationProtocols) == protocols, sourceLocation: sourceLocation)
        #expect(hello.highestVersion == version, sourceLocation: sourceLocation)
        #expect(
            hello.hasEncryptedClientHello == hasEncryptedClientHello,
            sourceLocation: sourceLocation)
        #expect(hello.length == length, sourceLocation: sourceLocation)
    }
}
