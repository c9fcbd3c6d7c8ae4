// SPDX-License-Identifier: Apache-2.0

import Datapath
import Foundation
import TLSClassifier
import Testing
import WireTypes

@testable import ConnectionLogging

/// What tests write of an address; a typing error ends them.
func at(_ text: String) -> TransportAddress {
    guard let address = TransportAddress(text) else { fatalError("no address: \(text)") }
    return address
}

extension ConnectionRecord {
    /// A splice of which everything is known, one second old.
    static var whole: ConnectionRecord {
        let client = FlowTuple(source: at("198.51.100.7:30001"), destination: at("192.0.2.1:443"))
        var record = ConnectionRecord(
            client: client, listener: 3, mode: .spliced, end: .finClient, ended: 2_000_000_000)
        record.cluster = 11
        record.upstream = FlowTuple(source: at("10.0.0.1:20000"), destination: at("10.0.1.1:443"))
        record.facts.began = 1_000_000_000
        record.facts.serverName = ServerName("a.test")
        record.facts.protocols = ApplicationProtocols(["h2", "http/1.1"])
        record.facts.rule = RuleText("{sni: a.test, to: kafka}")
        record.facts.classifyMicroseconds = 200
        record.facts.connectMicroseconds = 300
        record.facts.handoffMicroseconds = 310
        record.facts.attempts = 1
        var totals = FlowTotals()
        totals.bytes = 5000
        totals.retransmittedBytes = 20
        totals.packets = 7
        record.sent = totals
        totals.bytes = 70000
        record.received = totals
        return record
    }
}

@Suite struct `Line of the connection log` {
    private func line(_ record: ConnectionRecord) -> String {
        let names = ConnectionNames()
        names.add(listeners: [3: "web"], clusters: [11: "kafka"])
        var format = ConnectionFormat(names: names) { $0 == 5 ? "old.test" : nil }
        // 2026-11-25T23:30:00Z is the second 2 of the monotonic clock.
        format.follow(wall: 1_795_649_400_000_000_000, monotonic: 2_000_000_000)
        var line = JSONLine()
        format.append(record, to: &line)
        return String(decoding: line.bytes, as: UTF8.self)
    }

    @Test func `has what is known, under the names that flowdump has`() {
        #expect(
            line(.whole) == """
                {"time":"2026-11-25T23:30:00.000Z","client":"198.51.100.7:30001","listener":"web",\
                "listener_address":"192.0.2.1:443","server_name":"a.test","alpn":["h2","http/1.1"],\
                "rule":"{sni: a.test, to: kafka}","mode":"spliced","cluster":"kafka",\
                "endpoint":"10.0.1.1:443","balancer":"10.0.0.1:20000",\
                "upstream":{"bytes":5000,"retransmitted_bytes":20,"packets":7},\
                "downstream":{"bytes":70000,"retransmitted_bytes":20,"packets":7},\
                "classify_us":200,"connect_us":300,"handoff_us":310,"total_ms":1000,\
                "end":"fin_client"}\n
                """)
    }

    @Test func `leaves out what is not`() {
        let client = FlowTuple(source: at("[2001:db8::7]:1"), destination: at("[2001:db8::1]:443"))
        var record = ConnectionRecord(
            client: client, listener: 9, mode: .rejected, end: .rejected, ended: 0)
        record.facts.rejection = .noRule
        #expect(
            line(record) == """
                {"time":"2026-11-25T23:29:58.000Z","client":"[2001:db8::7]:1","listener":"9",\
                "listener_address":"[2001:db8::1]:443","mode":"rejected",\
                "reject_reason":"no-rule","end":"rejected"}\n
                """)
    }

    @Test func `has no packets of the relay, which sees none, and its reason`() {
        var record = ConnectionRecord.whole
        record.mode = .relayed(.localClient)
        let line = line(record)
        #expect(line.contains(#""mode":"relayed","relay_reason":"local-client""#))
        #expect(line.contains(#""upstream":{"bytes":5000},"downstream":{"bytes":70000}"#))
    }

    @Test func `says ech when a hello has another one inside`() {
        var record = ConnectionRecord.whole
        record.facts.hasECH = true
        #expect(line(record).contains(#""ech":"outer""#))
        #expect(!line(.whole).contains("ech"))
    }

    @Test func `asks the datapath for the name of a flow of an earlier daemon`() {
        var record = ConnectionRecord.whole
        record.facts = ConnectionFacts()
        record.serverNameID = 5
        #expect(line(record).contains(#""server_name":"old.test""#))
    }

    @Test(arguments: ["\"", "\\", "\n", "\u{1}", "\u{7f}", "\u{2028}", "ü", "😀", "\u{fffd}"])
    func `stays one line of JSON whatever a client offers`(name: String) throws {
        var record = ConnectionRecord.whole
        record.facts.protocols = ApplicationProtocols([name])
        let text = line(record)
        #expect(text.split(separator: "\n").count == 1)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["alpn"] as? [String] == [name])
    }

    @Test func `is bounded though a client offers everything`() {
        var record = ConnectionRecord.whole
        record.facts.protocols = ApplicationProtocols(
            (0..<200).map { "\($0)" + String(repeating: "\u{1}", count: 200) })
        #expect(line(record).utf8.count < 4096)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400_001, "2000-02-29T00:00:00.001Z"),
        (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
        (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
        (4_102_444_800_000, "2100-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
    ])
    func `has times of the calendar`(milliseconds: Int64, text: String) {
        #expect(WallTime(milliseconds: milliseconds).description == text)
    }

    @Test func `has times as Foundation writes them`() {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for day in stride(from: Int64(-30000), to: 60000, by: 37) {
            let milliseconds = day * 86_400_000 + 12_345_500
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            #expect(WallTime(milliseconds: milliseconds).description == date.formatted(style))
        }
    }
}
