// SPDX-License-Identifier: Apache-2.0

import Balancing
import HealthChecking
import TLSClassifier
import Testing
import WireTypes

@Suite struct `What a check says and hears` {
    private func conversation(
        _ kind: HealthCheck.Kind, name: String? = nil,
        _ change: (inout HealthCheck) -> Void = { _ in }
    ) throws -> ProbeConversation {
        var check = HealthCheck()
        check.kind = kind
        change(&check)
        var random = SplitMix()
        return ProbeConversation(
            check, serverName: name.flatMap { ServerName($0) },
            address: try #require(TransportAddress("10.0.0.1:443")), random: &random)
    }

    /// The verdict after each byte, and whether it is the same at once.
    private func verdict(
        _ conversation: ProbeConversation, _ answer: [UInt8]
    ) -> ProbeConversation.Verdict {
        var slow = conversation
        var last = ProbeConversation.Verdict.needsMore
        for byte in answer {
            last = slow.hear([byte])
            if last != .needsMore { break }
        }
        var quick = conversation
        let whole = quick.hear(answer)
        // Of what is not expected, as much is shown as is there.
        if case .bad = last, case .bad = whole { return last }
        #expect(whole == last)
        return last
    }

    @Test func `is nothing where a connection is all`() throws {
        let tcp = try conversation(.tcp)
        #expect(tcp.isOver && tcp.greeting.isEmpty)
    }

    @Test(arguments: ["kafka1.server.test", nil])
    func `is a ClientHello that our own classifier reads`(name: String?) throws {
        let greeting = try conversation(.tls, name: name).greeting
        var reader = ClientHelloReader(limit: 16384)
        guard case .hello(let hello) = reader.read(greeting.span) else {
            Issue.record("no hello: \(greeting)")
            return
        }
        #expect(hello.serverName?.text == name)
        #expect(hello.highestVersion == .tls13)
        #expect(greeting.count < 400)
    }

    @Test(arguments: [
        (ProxyProtocol.v1, "50524f585920554e4b4e4f574e0d0a"),
        (.v2, "0d0a0d0a000d0a515549540a20000000"),
    ])
    func `begins with a PROXY header of nobody where one is owed`(
        version: ProxyProtocol, header: String
    ) throws {
        var check = HealthCheck()
        check.kind = .http
        let address = try #require(TransportAddress("10.0.0.1:80"))
        var random = SplitMix()
        let plain = ProbeConversation(check, serverName: nil, address: address, random: &random)
        let headed = ProbeConversation(
            check, serverName: nil, address: address, proxyProtocol: version, random: &random)
        let front = headed.greeting.dropLast(plain.greeting.count)
        let digits = front.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(digits == header)
        #expect(headed.greeting.suffix(plain.greeting.count).elementsEqual(plain.greeting))
    }

    @Test func `takes a ServerHello for life, and an alert for death`() throws {
        let tls = try conversation(.tls)
        #expect(verdict(tls, [22, 3, 3, 0, 90, 2, 0, 0, 86]) == .good)
        #expect(
            verdict(tls, [21, 3, 3, 0, 2, 2, 112])
                == .bad("answered with the TLS alert unrecognized_name"))
        #expect(
            verdict(tls, [21, 3, 1, 0, 2, 2, 200]) == .bad("answered with the TLS alert 200"))
    }

    @Test func `takes anything else for no TLS`() throws {
        let tls = try conversation(.tls)
        #expect(
            verdict(tls, Array("SSH-2.0\r\n".utf8))
                == .bad("does not speak TLS: it answered with \"S\""))
        guard case .bad = verdict(tls, [22, 3, 3, 0, 4, 14, 0, 0, 0]) else {
            Issue.record("ServerHelloDone is no ServerHello")
            return
        }
        #expect(tls.end() == .bad("closed the connection without an answer"))
    }

    @Test func `asks by GET, and looks at the status`() throws {
        let http = try conversation(.http, name: "www.example.com") {
            $0.path = "/healthz"
            $0.status = 200...299
        }
        let text = String(decoding: http.greeting, as: UTF8.self)
        #expect(text.hasPrefix("GET /healthz HTTP/1.1\r\nHost: www.example.com\r\n"))
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(verdict(http, Array("HTTP/1.1 204 No Content\r\n".utf8)) == .good)
        #expect(verdict(http, Array("HTTP/1.0 200\r\n".utf8)) == .good)
        #expect(
            verdict(http, Array("HTTP/1.1 503 Service Unavailable\r\n".utf8))
                == .bad("answered with status 503"))
        guard case .bad = verdict(http, [21, 3, 1, 0, 2, 2, 80]) else {
            Issue.record("an alert is no answer")
            return
        }
    }

    @Test(arguments: [("PING\r\n", "+PONG"), ("hex:00 ff", "hex:2b504F4e47")])
    func `expects bytes somewhere in the answer`(send: String, expect: String) throws {
        let exchange = try conversation(.send) {
            $0.send = ProbeBytes(send) ?? ProbeBytes([])
            $0.expect = ProbeBytes(expect) ?? ProbeBytes([])
        }
        #expect(exchange.greeting == (send == "PING\r\n" ? Array("PING\r\n".utf8) : [0, 255]))
        #expect(verdict(exchange, Array("++PON+PONG\r\n".utf8)) == .good)
        #expect(verdict(exchange, Array("-ERR\r\n".utf8)) == .needsMore)
        var endless = exchange
        guard case .bad = endless.hear([UInt8](repeating: 65, count: 20000)) else {
            Issue.record("16 KiB are enough")
            return
        }
    }

    @Test(arguments: ["", "PING\r\n", "hex:00ff", "hex:686578", "\u{e4}"])
    func `is written in bytes that read back to the same`(text: String) throws {
        let bytes = try #require(ProbeBytes(text))
        #expect(ProbeBytes(bytes.description) == bytes)
    }

    @Test(arguments: ["hex:0", "hex:0g", "hex:0x10"])
    func `has whole pairs of digits`(text: String) { #expect(ProbeBytes(text) == nil) }
}
