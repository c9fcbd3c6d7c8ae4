// SPDX-License-Identifier: Apache-2.0

import Datapath
import FlowReport
import Foundation
import Testing

@Suite struct `JSON listing` {
    @Test func `writes one object a flow`() throws {
        #expect(
            try report([SampleFlows.spliced], .jsonl) == """
                {"client":"192.0.2.7:50000","listener":"tls","listener_address":"192.0.2.1:443",\
                "server_name":"kafka1.server.test","cluster":"kafka1",\
                "balancer":"10.0.0.254:20000","endpoint":"10.0.0.11:9093","state":"established",\
                "mode":"spliced","relay_reason":null,"created_ns":99808000000000,\
                "last_seen_ns":99998000000000,"age_ns":192000000000,"idle_ns":2000000000,\
                "upstream":{"bytes":1258291,"retransmitted_bytes":17,"packets":1234,"sequence_delta":11,\
                "acknowledgement_delta":4294967295,"timestamp_value_delta":13,\
                "timestamp_echo_delta":14,"window_shift":-2,"ingress_interface":3,\
                "egress_interface":4},"downstream":{"bytes":35000000000,"retransmitted_bytes":0,"packets":999,\
                "sequence_delta":21,"acknowledgement_delta":22,"timestamp_value_delta":23,\
                "timestamp_echo_delta":24,"window_shift":2,"ingress_interface":5,\
                "egress_interface":6},"client_scale":7,"balancer_scale":8,"endpoint_scale":10,\
                "timestamps":true,"sack":true}

                """)
    }

    @Test func `writes one document around them`() throws {
        let lines = try report([SampleFlows.relayed, SampleFlows.six], .json)
            .split(separator: "\n")
        #expect(lines.count == 4)
        #expect(
            lines[0]
                == #"{"format_version":1,"instance":"sluice","now_ns":100000000000000,"flows":["#)
        #expect(lines[1].hasSuffix("},"))
        #expect(lines[3] == #"],"count":2}"#)
    }

    @Test func `is a document without flows, too`() throws {
        #expect(
            try report([], .json) == """
                {"format_version":1,"instance":"sluice","now_ns":100000000000000,"flows":[
                ],"count":0}

                """)
    }

    @Test func `gives back a stranger's text unharmed, in plain ASCII`() throws {
        let text = try report([SampleFlows.hostile], .json)
        #expect(text.utf8.allSatisfy { $0 == 0x0a || (0x20..<0x7f).contains($0) })
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let flows = try #require(document["flows"] as? [[String: Any]])
        #expect(flows[0]["server_name"] as? String == SampleFlows.hostile.serverName)
    }

    @Test func `validates against the schema that is shipped`() throws {
        let document = try JSONSerialization.jsonObject(
            with: Data(try report(SampleFlows.all, .json).utf8))
        #expect(try FlowSchema().complaints(about: document) == [])
    }

    @Test(arguments: [
        (#""mode":"spliced""#, #""mode":"copied""#), (#","count":4}"#, "}"),
        (#""sequence_delta":11"#, #""sequence_delta":-1"#), (#""sack":true"#, #""sack":1.5"#),
        (#""client":"192.0.2.7:50000""#, #""client":null"#),
    ])
    func `is held to the schema`(good: String, bad: String) throws {
        let text = try report(SampleFlows.all, .json)
        #expect(text.contains(good))
        let document = try JSONSerialization.jsonObject(
            with: Data(text.replacing(good, with: bad).utf8))
        #expect(try !FlowSchema().complaints(about: document).isEmpty)
    }
}
