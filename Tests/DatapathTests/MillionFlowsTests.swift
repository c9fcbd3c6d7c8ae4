// SPDX-License-Identifier: Apache-2.0

import Datapath
import Foundation
import Testing
import WireTypes

@Suite struct `A million flows` {
    private static let isWanted = ProcessInfo.processInfo.environment["SLUICE_LARGE"] != nil

    /// Prints how long `flowdump` takes; no time fails it.
    @Test(.enabled(if: isWanted, "takes a minute and 1 GiB: set SLUICE_LARGE=1"))
    func `are listed by flowdump, each once`() throws {
        var options = DatapathOptions()
        options.instance = "million-\(ProcessInfo.processInfo.processIdentifier)"
        options.flows = 2_300_000
        let datapath = try KernelDatapath(options)
        defer { datapath.unload() }
        try fill(datapath, count: 1_000_000)
        let folder = Bundle.main.bundleURL.deletingLastPathComponent()
        let debug = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let flowdump =
            ProcessInfo.processInfo.environment["SLUICE_PRODUCTS"].map { $0 + "/flowdump" }
            ?? [folder, debug].map { $0.appending(path: "flowdump").path }
            .first { FileManager.default.isExecutableFile(atPath: $0) } ?? ".build/debug/flowdump"
        for format in ["table", "jsonl", "csv", "json", "wide"] {
            let lines = try countLines(
                "\(flowdump) --instance \(options.instance) --no-header -o \(format)",
                named: format)
            if format != "json" { #expect(lines == 1_000_000) }
        }
    }

    /// Counts the lines of `command`; bash tells on our standard error what it took.
    private func countLines(_ command: String, named format: String) throws -> Int? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c",
            """
            TIMEFORMAT="flowdump -o \(format): 1 M flows in %R s, CPU %U + %S s, \
            load $(cut -d ' ' -f 1 /proc/loadavg)"
            { time \(command); } | wc -l
            """,
        ]
        process.standardOutput = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Int(
            String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private func fill(_ datapath: KernelDatapath, count: Int) throws {
        var batch = SpliceBatch(capacity: 1024)
        for index in 0..<count {
            let number = UInt32(index)
            let client = FlowTuple(
                source: TransportAddress(
                    IPAddress(v4: 0xc633_0000 | number >> 15), UInt16(number & 0x7fff) + 1024),
                destination: TransportAddress(IPAddress(v4: 0xc000_0201), 443))
            let upstream = FlowTuple(
                source: TransportAddress(
                    IPAddress(v4: 0x0a00_0001), UInt16(number & 0x7fff) + 1024),
                destination: TransportAddress(IPAddress(v4: 0x0a01_0000 | number >> 15), 9093))
            batch.append(
                Splice(
                    client: client, upstream: upstream,
                    note: HandshakeNote(clientISN: 1, cookie: 2, listener: 0), isn: number))
            if index % 1024 == 1023 { try datapath.write(&batch) }
        }
        try datapath.write(&batch)
    }
}
