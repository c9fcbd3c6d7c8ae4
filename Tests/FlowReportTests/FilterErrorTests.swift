// SPDX-License-Identifier: Apache-2.0

import FlowReport
import Testing

@Suite struct `Filter error` {
    private func refusal(_ text: String) -> FilterError? {
        do {
            _ = try FlowFilter(text)
            return nil
        } catch {
            return error
        }
    }

    @Test func `points at the column and suggests the word that was meant`() {
        #expect(
            refusal("sni *.x and clutser kafka1")?.description == """
                filter, column 13: unknown word "clutser"; did you mean "cluster"?
                  sni *.x and clutser kafka1
                              ^~~~~~~
                Accepted here: age, balancer, bytes, client, cluster, endpoint, idle, listener, \
                mode, packets, port, reason, sni, state, not, (
                """)
    }

    @Test func `lists the words that a state can be`() {
        #expect(
            refusal("state estab")?.description == """
                filter, column 7: unknown word "estab"; did you mean "established"?
                  state estab
                        ^~~~~
                Accepted here: connecting, established, closing, closed, reset
                """)
    }

    @Test func `points behind the end when something is missing`() {
        #expect(
            refusal("cluster web and")?.description == """
                filter, column 17: the filter ends
                  cluster web and
                                  ^
                Accepted here: age, balancer, bytes, client, cluster, endpoint, idle, listener, \
                mode, packets, port, reason, sni, state, not, (
                """)
    }

    @Test(arguments: [
        ("backend 10.0.0.1", 1, #"unknown word "backend"; did you mean "endpoint"?"#),
        ("xyzzy", 1, #"unknown word "xyzzy""#),
        ("client 10.0.0", 8, #""10.0.0" is no address"#),
        ("client 10.0.0.0/33", 8, #""10.0.0.0/33" is no address"#),
        ("endpoint port 0", 15, #""0" is no port"#),
        ("port https", 6, #""https" is no port"#),
        ("age 1h", 5, #""1h" where a comparison is due"#),
        ("age > 1x", 7, #""1x" cannot be compared with age"#),
        ("age > 10", 7, #""10" cannot be compared with age"#),
        ("bytes > 1h", 9, #""1h" cannot be compared with bytes"#),
        ("bytes > 99999999T", 9, #""99999999T" cannot be compared with bytes"#),
        ("packets > -1", 11, #""-1" cannot be compared with packets"#),
        ("age >", 7, "the filter ends where a value is due"),
        ("sni", 5, "the filter ends where a value is due"),
        ("sni and cluster web", 5, #""and" where a value is due"#),
        ("mode splice", 6, #"unknown word "splice"; did you mean "spliced"?"#),
        ("reason local_client", 8, #"unknown word "local_client"; did you mean "local-client"?"#),
        ("sni a sni b", 7, #""sni" follows a complete filter"#),
        ("(sni a", 1, #"this "(" is never closed"#),
        ("(sni a port 1", 8, #""port" follows a complete filter"#),
        ("sni a)", 6, #"this ")" closes nothing"#),
        ("()", 2, #"nothing stands before ")""#),
        ("or sni a", 1, #"nothing stands before "or""#),
        ("sni é and bogus 1", 11, #"unknown word "bogus""#),
    ])
    func `says what is wrong and where`(text: String, column: Int, problem: String) throws {
        let error = try #require(refusal(text))
        #expect(error.problem == problem)
        #expect(error.column == column)
    }

    @Test func `refuses what is nested too deeply instead of running out of stack`() throws {
        let text = String(repeating: "(", count: 100_000)
        #expect(refusal(text)?.problem == "nested too deeply")
        #expect(refusal(String(repeating: "not ", count: 100_000))?.column == 401)
    }

    @Test func `shows no control character`() throws {
        let text = try #require(refusal("sni a \u{1b}[2J\tbogus")).description
        #expect(!text.contains("\u{1b}"))
    }
}
