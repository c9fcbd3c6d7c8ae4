// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Datapath
import FlowReport
import KernelBPF
import Testing
import WireTypes

@testable import flowdump

@Suite struct `Metrics` {
    @Test func `are written as Prometheus reads them`() {
        let metrics = [
            Metric(
                "a_used", .gauge, "Of \"a\",\nwith a \\.",
                [.init([], 7), .init([("x", "1"), ("y", "q\"b\\c\nd")], .max)]),
            Metric("b_total", .counter, "Nothing.", []),
            Metric("c_total", .counter, "C.", [.init([("p", "ü")], secondsOf: 1_000_000_023)]),
        ]
        #expect(
            metrics.text == #"""
                # HELP a_used Of "a",\nwith a \\.
                # TYPE a_used gauge
                a_used 7
                a_used{x="1",y="q\"b\\c\nd"} 18446744073709551615
                # HELP c_total C.
                # TYPE c_total counter
                c_total{p="ü"} 1.000000023

                """#)
    }

    private var report: MetricsReport {
        var report = MetricsReport(instance: "a\"b")
        report.usage = [.init(map: "flows", used: 12, capacity: 100)]
        report.admittedEntries = 90
        report.datapath = DatapathCounter.allCases.map { ($0.name, UInt64($0.rawValue)) }
        report.daemon = DaemonCounter.allCases.map { ($0.name, 1) }
        report.programs = [.init(name: "flows_ethernet", runs: 5, nanoseconds: 600)]
        for state in FlowState.allCases {
            report.connections.count(
                SampleFlows.flow(client: "192.0.2.7:50000", state: state))
        }
        report.connections.count(SampleFlows.flow(client: "192.0.2.7:2", endpoint: "10.0.0.9:1"))
        var waiting = SampleFlows.flow(client: "192.0.2.7:1", reason: .noRoute)
        let nowhere = TransportAddress(.anyIPv4, 0)
        waiting.upstream.rewrite = FlowTuple(source: nowhere, destination: nowhere)
        report.connections.count(waiting)
        return report
    }

    @Test func `have a line for each counter, map and program`() {
        let lines = report.metrics.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(
            lines.count == 3 + 4 + 4 + DatapathCounter.allCases.count + DaemonCounter.allCases.count
        )
        let label = #"sluice="a\"b""#
        for line in [
            #"sluice_daemon_up{\#(label)} 1"#,
            #"sluice_connections{\#(label),listener="tls",cluster="kafka1",endpoint="10.0.0.11:9093","#
                + #"mode="spliced"} 3"#,
            #"sluice_connections{\#(label),listener="tls",cluster="kafka1",endpoint="10.0.0.9:1","#
                + #"mode="spliced"} 1"#,
            #"sluice_connections{\#(label),listener="tls",cluster="kafka1",mode="relayed"} 1"#,
            #"sluice_relayed_connections{\#(label),reason="no-route"} 1"#,
            #"sluice_map_used{\#(label),map="flows"} 12"#,
            #"sluice_map_max{\#(label),map="flows"} 100"#,
            #"sluice_map_watermark{\#(label),map="flows"} 90"#,
            #"sluice_datapath_packets_total{\#(label),reason="syn_answered"} 1"#,
            #"sluice_daemon_events_total{\#(label),event="classified"} 1"#,
            #"sluice_program_run_seconds_total{\#(label),program="flows_ethernet"} 0.000000600"#,
            #"sluice_program_runs_total{\#(label),program="flows_ethernet"} 5"#,
        ] {
            #expect(lines.contains(Substring(line)), "\(line)")
        }
    }

    @Test func `leave out what is not known`() {
        var report = report
        report.usage = [.init(map: "flows", used: nil, capacity: 100)]
        report.admittedEntries = nil
        report.programs = []
        let text = report.metrics.text
        for name in ["sluice_map_used", "sluice_map_watermark", "sluice_program"] {
            #expect(!text.contains(name), "\(name)")
        }
        #expect(text.contains("sluice_map_max{"))
    }

    @Test func `have names and labels that Prometheus takes`() throws {
        let sample = /[a-zA-Z_:][a-zA-Z0-9_:]*\{([a-z]+="([^"\\]|\\["\\n])*",?)+\} [0-9.]+/
        for line in report.metrics.text.split(separator: "\n") where !line.hasPrefix("#") {
            #expect(try sample.wholeMatch(in: line) != nil, "\(line)")
        }
    }

    @Test func `have a verb with help, and errors`() throws {
        let command = try Flowdump.parseAsRoot(["metrics", "--instance", "x", "--no-walk"])
        let metrics = try #require(command as? MetricsCommand)
        #expect(metrics.instance.name == "x" && metrics.noWalk)
        let help = Flowdump.helpMessage(for: MetricsCommand.self, columns: 80)
        #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(throws: (any Error).self) {
            _ = try Flowdump.parseAsRoot(["metrics", "--instance", "a/b"])
        }
        var missing = try Flowdump.parseAsRoot(["metrics", "--instance", "of-no-test"])
        #expect(throws: BPFError.self) { try missing.run() }
    }
}
