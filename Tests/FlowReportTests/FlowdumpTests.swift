// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FlowReport
import Foundation
import Testing

@testable import flowdump

@Suite struct `flowdump` {
    private func list(_ words: [String]) throws -> ListCommand {
        try #require(try Flowdump.parseAsRoot(words) as? ListCommand)
    }

    private func exitCode(_ words: [String]) -> Int32 {
        do {
            var command = try Flowdump.parseAsRoot(words)
            try command.run()
            return 0
        } catch {
            return Flowdump.report(error)
        }
    }

    /// What `flowdump WORDS` lists of made up flows.
    private func lines(_ words: [String], of count: Int = 1000) throws -> [String] {
        let command = try list(words)
        let filter = try FlowFilter(command.words.joined(separator: " "))
        let collector = Collector()
        let listing = Listing(command: command, filter: filter)
        let shown = try listing.print(
            SyntheticSource(count: count), now: SampleFlows.now, sink: collector.sink)
        #expect(shown == collector.lines.count - (command.common.noHeader ? 0 : 1))
        return collector.lines
    }

    @Test func `lists without a verb and takes the filter as words`() throws {
        let command = try list(["-o", "csv", "sni", "*.x", "and", "(", "age", ">", "1h", ")"])
        #expect(command.words == ["sni", "*.x", "and", "(", "age", ">", "1h", ")"])
        #expect(command.common.output == .csv)
        #expect(command.common.instance == "sluice")
    }

    @Test func `shows what the filter lets through`() throws {
        #expect(try lines(["--no-header", "-o", "csv", "sni host7.*"]).count == 16)
        #expect(try lines(["-o", "csv", "client port 20003 and bytes > 0"]).count == 5)
    }

    /// Threads share the rows behind the first ones.
    @Test(arguments: ReportFormat.allCases)
    func `lists each of many flows once, in whole rows`(format: ReportFormat) throws {
        let collector = Collector()
        let count = 4000
        let listing = Listing(format: format, hasHeader: false)
        let source = SyntheticSource(count: count)
        #expect(try listing.print(source, now: SampleFlows.now, sink: collector.sink) == count)
        // A document of JSON has a line before its flows and one behind them.
        let rows = format == .json ? Array(collector.lines.dropFirst().dropLast()) : collector.lines
        let clients = rows.map { row in
            row.split { " ,\"".contains($0) }.first { $0.hasPrefix("10.0.") }
        }
        #expect(rows.count == count)
        #expect(Set(clients.compactMap(\.self)).count == count)
        if format == .json {
            let document = try JSONSerialization.jsonObject(with: Data(collector.bytes))
            let flows = (document as? [String: Any])?["flows"] as? [Any]
            #expect(flows?.count == count)
        }
    }

    @Test func `stops at the limit`() throws {
        #expect(try lines(["--no-header", "--limit", "3"]).count == 3)
        #expect(try lines(["--no-header", "--limit", "0"]).isEmpty)
        #expect(
            try lines([
                "--no-header", "-o", "csv", "--limit", "1", "--sort", "bytes", "sni host3.*",
            ])[0].hasPrefix("10.0.0.3:20195,"))
    }

    @Test(arguments: [
        "--bogus", "-o jsn", "snii x", "--limit -1", "--reverse", "--width 20",
        "--instance ../x", "--counters sni x", "counters x", "kill", "kill -y", "kill snii x",
    ])
    func `exits with 2 for wrong usage`(words: String) {
        #expect(exitCode(words.split(separator: " ").map(String.init)) == 2)
    }

    @Test(arguments: ["--version", "-h", "help list", "--generate-completion-script fish"])
    func `exits with 0 for what only informs`(words: String) {
        #expect(exitCode(words.split(separator: " ").map(String.init)) == 0)
    }

    @Test func `exits with 1 when there is no such instance`() {
        #expect(exitCode(["--instance", "of-no-test"]) == 1)
        #expect(exitCode(["counters", "--instance", "of-no-test"]) == 1)
        #expect(exitCode(["status", "--instance", "of-no-test"]) == 1)
    }

    @Test func `is content when the reader of a pipe goes away`() {
        #expect(Flowdump.report(ReaderIsGone()) == 0)
    }

    @Test func `has help that fits 80 columns`() {
        let texts = [
            Flowdump.helpMessage(columns: 80),
            Flowdump.helpMessage(for: ListCommand.self, columns: 80),
            Flowdump.helpMessage(for: CountersCommand.self, columns: 80),
            Flowdump.helpMessage(for: StatusCommand.self, columns: 80),
        ]
        for text in texts {
            #expect(text.split(separator: "\n").filter { $0.count > 80 } == [])
        }
    }

    @Test func `prints counters as table and as JSON`() throws {
        #expect(
            try numbers(["counters"]) == """
                COUNTER                      VALUE
                translated               123456789
                drop-no-route                    0

                """)
        #expect(
            try numbers(["counters", "-o", "json"]) == """
                {"format_version":1,"instance":"sluice","counters":{
                "translated":123456789,
                "drop-no-route":0
                }}

                """)
        #expect(
            try numbers(["counters", "-o", "csv", "--no-header"]) == """
                translated,123456789
                drop-no-route,0

                """)
    }

    private func numbers(_ words: [String]) throws -> String {
        let command = try #require(try Flowdump.parseAsRoot(words) as? CountersCommand)
        let collector = Collector()
        try CountersCommand.print(
            SyntheticSource(count: 0), command.common, sink: collector.sink)
        return collector.text
    }

    @Test func `counts flows by kind`() throws {
        var summary = FlowSummary()
        for flow in SampleFlows.all { summary.count(flow) }
        let numbers = summary.numbers.filter { $0.value > 0 }.map { "\($0.name) \($0.value)" }
        #expect(
            numbers == [
                "flows 4", "spliced 3", "relayed 1", "connecting 1", "established 1", "closing 1",
                "reset 1", "relayed-local-client 1",
            ])
    }
}
