// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Datapath
internal import FlowReport
internal import KernelBPF

/// `flowdump metrics`: what the maps and programs of an instance say, for Prometheus.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Write connections, counters and map usage as Prometheus reads them.",
        usage: "flowdump metrics [--instance NAME] [--no-walk]",
        discussion: """
            Text format 0.0.4, for a textfile collector or a script that serves it. Run times are \
            there when the kernel takes them: sysctl kernel.bpf_stats_enabled=1. Of an instance that \
            is not there, sluice_daemon_up 0 is all that is written (exit code 1).
            """)

    @OptionGroup var instance: InstanceOption

    @Flag(name: .long, help: "Read no map through: no connections, nor usage before Linux 6.6.")
    var noWalk = false

    func run() throws {
        var report = MetricsReport(instance: instance.name)
        let gauges: PinnedGauges
        do {
            gauges = try PinnedGauges(instance: instance.name)
        } catch {
            // Whoever collects this is to see that it is down, not that there is nothing to see.
            if PinDirectory(instance: instance.name).isNowhere {
                report.isServed = false
                try StandardOutput.write(Array([report.daemonUp].text.utf8))
            }
            throw error
        }
        report.usage = try gauges.usage(isThorough: !noWalk)
        report.admittedEntries = gauges.admittedEntries()
        report.isServed = gauges.isServed()
        report.lastReloadIsOK = gauges.lastReloadIsOK()
        report.datapath = gauges.datapathCounters()
        report.daemon = gauges.daemonCounters()
        report.programs = try gauges.programs() ?? []
        if !noWalk {
            let source = try PinnedSource(instance: instance.name)
            try source.forEachFlow { report.connections.count($0) }
        }
        try StandardOutput.write(Array(report.metrics.text.utf8))
    }
}

/// What is known of an instance, as metrics.
struct MetricsReport {
    let instance: String
    var usage: [PinnedGauges.Usage] = []
    var admittedEntries: Int?
    var isServed = true
    var lastReloadIsOK = true
    var datapath: [(name: String, value: UInt64)] = []
    var daemon: [(name: String, value: UInt64)] = []
    var connections = ConnectionCounts()
    /// Empty where the kernel takes no statistics.
    var programs: [ProgramStatistics] = []

    var daemonUp: Metric {
        Metric(
            "sluice_daemon_up", .gauge,
            "1: a daemon serves the instance; 0: what stands goes on, plain listeners alone begin.",
            [Metric.Sample([("sluice", instance)], isServed ? 1 : 0)])
    }

    var metrics: [Metric] {
        [
            Metric(
                "sluice_map_used", .gauge,
                "Entries in a map; a spliced connection has two in flows.",
                usage.compactMap { usage in
                    usage.used.map { Metric.Sample(labels("map", usage.map), UInt64($0)) }
                }),
            Metric(
                "sluice_map_max", .gauge, "Entries that a map has room for.",
                usage.map { Metric.Sample(labels("map", $0.map), UInt64($0.capacity)) }),
            Metric(
                "sluice_map_watermark", .gauge,
                "Entries up to which connections are spliced; above, they are relayed.",
                admittedEntries.map { [Metric.Sample(labels("map", "flows"), UInt64($0))] } ?? []),
            daemonUp,
        ] + connections.metrics(instance: instance) + [
            Metric(
                "sluice_config_last_reload_ok", .gauge,
                "1: the configuration asked for last is in force; 0: it was refused.",
                [Metric.Sample([("sluice", instance)], lastReloadIsOK ? 1 : 0)]),
            Metric(
                "sluice_datapath_packets_total", .counter,
                "What the datapath decided, and why; a packet may count under two reasons.",
                datapath.map { Metric.Sample(labels("reason", $0.name), $0.value) }),
            Metric(
                "sluice_daemon_events_total", .counter, "What the daemon did to clients and flows.",
                daemon.map { Metric.Sample(labels("event", $0.name), $0.value) }),
            Metric(
                "sluice_program_run_seconds_total", .counter,
                "Time in a program while the kernel took statistics.",
                programs.map {
                    Metric.Sample(labels("program", $0.name), secondsOf: $0.nanoseconds)
                }),
            Metric(
                "sluice_program_runs_total", .counter,
                "Runs of a program while the kernel took statistics.",
                programs.map { Metric.Sample(labels("program", $0.name), $0.runs) }),
        ]
    }

    /// `instance` is Prometheus' own label for what it scrapes.
    private func labels(_ name: String, _ value: String) -> [(name: String, value: String)] {
        [("sluice", instance), (name, value)]
    }
}
