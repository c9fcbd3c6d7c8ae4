// SPDX-License-Identifier: Apache-2.0

import Datapath
import FlowReport
import Testing

@Suite struct `Flow filter` {
    private static let clients = ["spliced", "six", "relayed", "hostile"]

    /// Which of the sample flows a filter lets through.
    private func matching(_ text: String) throws -> [String] {
        let filter = try FlowFilter(text)
        return zip(Self.clients, SampleFlows.all)
            .filter { filter.matches($0.1, now: SampleFlows.now) }.map(\.0)
    }

    @Test(arguments: [
        ("", "spliced six relayed hostile"),
        ("sni kafka1.server.test", "spliced"),
        ("sni *.test", "spliced"),
        ("sni KAFKA?.*.TEST", "spliced"),
        ("sni *", "spliced six hostile"),
        ("sni kafka1", ""),
        ("client 192.0.2.7", "spliced"),
        ("client 192.0.0.0/16", "spliced"),
        ("client 192.0.2.7:50000", "spliced"),
        ("client 192.0.2.7:50001", ""),
        ("client port 50001", "six"),
        ("client 2001:db8::/32", "six"),
        ("client [2001:db8:1111:2222:3333:4444:5555:6666]:50001", "six"),
        ("client 0.0.0.0/0", "spliced relayed hostile"),
        ("endpoint 10.0.0.11:9093", "spliced hostile"),
        ("endpoint port 443", "six"),
        ("balancer port 20001", "six"),
        ("listener tls", "spliced six relayed hostile"),
        ("listener t*", "spliced six relayed hostile"),
        ("listener 192.0.2.1:443", "spliced relayed hostile"),
        ("listener port 443", "spliced six relayed hostile"),
        ("port 9093", "spliced hostile"),
        ("port 65535", "hostile"),
        ("cluster web", "six relayed"),
        ("cluster kafka*", "spliced hostile"),
        ("state closing", "six"),
        ("state established", "spliced"),
        ("mode spliced", "spliced six hostile"),
        ("mode relayed", "relayed"),
        ("reason local-client", "relayed"),
        ("reason no-port", ""),
        ("age > 1h", "six hostile"),
        ("age>1h", "six hostile"),
        ("age >= 192s", "spliced six hostile"),
        ("age > 3m12s", "six hostile"),
        ("age = 25h", "six"),
        ("idle > 10s", "hostile"),
        ("idle <= 450ms", "six relayed"),
        ("idle != 0", "spliced six hostile"),
        ("bytes > 1MiB", "spliced"),
        ("bytes < 1", "six relayed hostile"),
        ("packets == 2233", "spliced"),
        ("packets > 2.2k", "spliced"),
    ])
    func `lets through what a primitive names`(text: String, expected: String) throws {
        #expect(try matching(text).joined(separator: " ") == expected)
    }

    @Test(arguments: [
        ("not mode relayed", "spliced six hostile"),
        ("! mode relayed", "spliced six hostile"),
        ("not not mode relayed", "relayed"),
        ("cluster web and mode relayed", "relayed"),
        ("cluster web && not mode relayed", "six"),
        ("state reset or state closing", "six hostile"),
        // `and` binds before `or`, whichever comes first.
        ("state reset or cluster web and mode relayed", "relayed hostile"),
        ("cluster web and mode relayed or state reset", "relayed hostile"),
        ("(state reset or cluster web) and mode relayed", "relayed"),
        // `not` binds before `and`.
        ("not state reset and cluster kafka1", "spliced"),
        ("not (state reset and cluster kafka1)", "spliced six relayed"),
        ("state reset || state closing || state connecting", "six relayed hostile"),
        ("(((state reset)))", "hostile"),
    ])
    func `binds not before and, and before or`(text: String, expected: String) throws {
        #expect(try matching(text).joined(separator: " ") == expected)
    }

    @Test func `reads operators and parentheses without spaces`() throws {
        #expect(
            try FlowFilter("(age>1h&&bytes<=2K)||!state reset")
                == FlowFilter("( age > 1h and bytes <= 2048 ) or not state reset"))
    }

    @Test func `takes a packet that is younger than the listing for age 0`() throws {
        var flow = SampleFlows.spliced
        flow.createdNanoseconds = SampleFlows.now + 5
        flow.lastSeenNanoseconds = SampleFlows.now + 5
        #expect(try FlowFilter("age = 0 and idle = 0").matches(flow, now: SampleFlows.now))
    }

    @Test func `joins ten thousand terms without nesting them`() throws {
        let text = Array(repeating: "state reset", count: 10_000).joined(separator: " or ")
        #expect(try matching(text) == ["hostile"])
    }
}
