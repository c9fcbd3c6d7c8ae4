// SPDX-License-Identifier: Apache-2.0

import FlowReport
import Testing

@Suite struct `Flow table` {
    @Test func `shows what people ask first`() throws {
        #expect(
            try report([SampleFlows.spliced, SampleFlows.relayed, SampleFlows.hostile], .table)
                == """
                CLIENT           LIS… SNI      CLU… ENDPOINT       STATE     AGE  IDLE   UP DOWN  UP#  DN# MODE
                192.0.2.7:50000  tls  kafka…st ka…1 10.0.0.11:9093 estab   3m12s  2.0s 1.1M  32G 1.2k  999 spliced
                127.0.0.1:60000  tls  -        web  -              connect  9.9s   0ms    0    0    0    0 relayed:…
                198.51…200:65535 tls  \\x1b[…7f ka…1 10.0.0.11:9093 reset     11h   11m    0    0    0    0 spliced

                """)
    }

    @Test func `cuts nothing that it has room for`() throws {
        #expect(
            try report([SampleFlows.spliced, SampleFlows.relayed], .table, width: 140) == """
                CLIENT                LISTENER SNI                CLUSTER ENDPOINT              STATE     AGE  IDLE   UP DOWN  UP#  DN# MODE
                192.0.2.7:50000       tls      kafka1.server.test kafka1  10.0.0.11:9093        estab   3m12s  2.0s 1.1M  32G 1.2k  999 spliced
                127.0.0.1:60000       tls      -                  web     -                     connect  9.9s   0ms    0    0    0    0 relayed:local-client

                """)
    }

    @Test func `shows exact numbers when asked`() throws {
        let columns: [FlowColumn] = [.state, .age, .idle, .upstreamBytes, .downstreamPackets]
        #expect(
            try report([SampleFlows.spliced], .table, columns: columns, isNumeric: true) == """
                STATE           AGE  IDLE      UP  DN#
                established 192.000 2.000 1258291  999

                """)
    }

    @Test(arguments: [100, 101, 120, 160])
    func `fits its width whatever it lists`(width: Int) throws {
        var flows = SampleFlows.all
        // After the first 512 rows nothing is measured any more.
        flows += Array(repeating: SampleFlows.relayed, count: 600)
        flows += SampleFlows.all
        let lines = try report(flows, .table, width: width).split(separator: "\n")
        #expect(lines.count == flows.count + 1)
        #expect(lines.allSatisfy { $0.count <= width })
    }

    @Test func `keeps later rows in the columns of the first`() throws {
        let flows = Array(repeating: SampleFlows.relayed, count: 512) + [SampleFlows.six]
        let lines = try report(flows, .table).split(separator: "\n").map(Array.init)
        let header = try #require(lines.first)
        let state = try #require(header.indices.first { String(header[$0...]).hasPrefix("STATE") })
        #expect(String(lines[513][state...]).hasPrefix("closing"))
        #expect(lines[513].contains("…"))
    }

    @Test func `prints neither heading nor row when there is no flow`() throws {
        #expect(try report([], .table).isEmpty)
        #expect(try report([], .wide).isEmpty)
    }

    @Test func `leaves out the heading when asked`() throws {
        #expect(
            try report([SampleFlows.spliced], .table, columns: [.cluster], hasHeader: false)
                == "kafka1\n")
        #expect(try report([], .csv, hasHeader: false).isEmpty)
    }
}

@Suite struct `Wide listing` {
    @Test func `cuts nothing`() throws {
        let lines = try report(SampleFlows.all, .wide).split(separator: "\n")
        #expect(!lines.contains { $0.contains("…") })
        #expect(lines[2].contains(" a-very-long-label.of.some.service.in.some.region.example.com "))
        #expect(lines[3].contains(" relayed:local-client "))
    }

    @Test func `has as many words in each row as headings`() throws {
        let lines = try report(SampleFlows.all, .wide).split(separator: "\n")
        #expect(lines.map { $0.split(separator: " ").count } == [34, 34, 34, 34, 34])
    }

    @Test func `tells both tuples and how packets are translated`() throws {
        let words = try report([SampleFlows.spliced], .wide).split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
        let cells = Dictionary(uniqueKeysWithValues: zip(words[0], words[1]))
        #expect(
            cells == [
                "CLIENT": "192.0.2.7:50000", "LISTENER": "tls", "SNI": "kafka1.server.test",
                "CLUSTER": "kafka1", "ENDPOINT": "10.0.0.11:9093", "STATE": "established",
                "AGE": "192.000", "IDLE": "2.000", "UP": "1258291", "DOWN": "35000000000",
                "UP#": "1234", "DN#": "999", "MODE": "spliced",
                "LISTENER_ADDRESS": "192.0.2.1:443", "BALANCER": "10.0.0.254:20000",
                "UP_SEQ": "11", "UP_ACK": "4294967295", "UP_TS_VAL": "13", "UP_TS_ECHO": "14",
                "UP_WINDOW_SHIFT": "-2", "UP_IN_IF": "3", "UP_OUT_IF": "4", "DOWN_SEQ": "21",
                "DOWN_ACK": "22", "DOWN_TS_VAL": "23", "DOWN_TS_ECHO": "24",
                "DOWN_WINDOW_SHIFT": "2", "DOWN_IN_IF": "5", "DOWN_OUT_IF": "6",
                "CLIENT_SCALE": "7", "BALANCER_SCALE": "8", "ENDPOINT_SCALE": "10",
                "TIMESTAMPS": "yes", "SACK": "yes",
            ])
    }
}

@Suite struct `CSV listing` {
    @Test func `has a column for everything`() throws {
        #expect(
            try report([SampleFlows.spliced], .csv) == """
                client,listener,server_name,cluster,endpoint,state,age_ns,idle_ns,upstream_bytes,\
                downstream_bytes,upstream_packets,downstream_packets,mode,relay_reason,\
                listener_address,balancer,created_ns,last_seen_ns,upstream_sequence_delta,\
                upstream_acknowledgement_delta,upstream_timestamp_value_delta,\
                upstream_timestamp_echo_delta,upstream_window_shift,upstream_ingress_interface,\
                upstream_egress_interface,downstream_sequence_delta,\
                downstream_acknowledgement_delta,downstream_timestamp_value_delta,\
                downstream_timestamp_echo_delta,downstream_window_shift,\
                downstream_ingress_interface,downstream_egress_interface,client_scale,\
                balancer_scale,endpoint_scale,timestamps,sack
                192.0.2.7:50000,tls,kafka1.server.test,kafka1,10.0.0.11:9093,established,\
                192000000000,2000000000,1258291,35000000000,1234,999,spliced,,192.0.2.1:443,\
                10.0.0.254:20000,99808000000000,99998000000000,11,4294967295,13,14,-2,3,4,21,22,\
                23,24,2,5,6,7,8,10,true,true

                """)
    }

    @Test func `leaves empty what is not there`() throws {
        let columns: [FlowColumn] = [
            .client, .serverName, .endpoint, .mode, .relayReason, .balancer, .clientScale,
        ]
        #expect(
            try report([SampleFlows.relayed], .csv, columns: columns, hasHeader: false)
                == "127.0.0.1:60000,,,relayed,local-client,,\n")
    }

    @Test func `quotes and escapes a stranger's text`() throws {
        #expect(
            try report(
                [SampleFlows.hostile], .csv, columns: [.serverName, .cluster], hasHeader: false)
                == #""\x1b[2J""a\x5cb"", c\x0d\x0a\xc2\x9b\xe2\x80\xae\xc3\xa9\x00\x7f",kafka1"#
                + "\n")
    }
}
