// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import FlowReport

@Suite struct `Output buffer` {
    @Test(arguments: [0, 7, 10, 99, 100, 65535, 1_000_000_007, UInt64.max])
    func `writes numbers as Swift does`(value: UInt64) {
        #expect(written { $0.append(decimal: value) } == String(value))
    }

    @Test(arguments: [
        "192.0.2.1:443", "0.0.0.0:0", "255.255.255.255:65535", "10.100.9.0:1", "[::]:443",
        "[::1]:443", "[2001:db8::]:443", "[2001:db8::1]:443", "[1:2:3:4:5:6:7:8]:1",
        "[1:0:0:4:5:0:0:8]:1", "[1:0:3:4:5:6:7:0]:1", "[0:1:2:3:4:5:6:7]:1",
        "[fe80::a:b:c:d]:65535", "[1:2:3:4:5:6::]:9", "[::6:7:8]:9", "[1:0:3:0:0:0:7:8]:9",
        "[abcd:ef01:2345:6789:abcd:ef01:2345:6789]:65535",
    ])
    func `writes addresses as their type does`(text: String) throws {
        let parts = try #require(text.lastIndex(of: ":"))
        let host = text[..<parts].filter { $0 != "[" && $0 != "]" }
        let address = try #require(IPAddress(host))
        let port = try #require(UInt16(text[text.index(after: parts)...]))
        let value = TransportAddress(address, port)
        #expect(written { $0.append(value) } == value.description)
    }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1000"), (1023, "1023"), (1024, "1.0K"), (10_239, "9.9K"),
        (10_240, "10K"), (1_022_975, "998K"), (1_023_999, "999K"), (1_024_000, "0.9M"),
        (1_258_291, "1.1M"), (1 << 30, "1.0G"), (UInt64.max, "15E"),
    ])
    func `writes bytes in four characters`(value: UInt64, expected: String) {
        #expect(written { $0.append(humanBytes: value) } == expected)
    }

    @Test(arguments: [(999, "999"), (1000, "1.0k"), (12_345, "12k"), (999_999, "999k")])
    func `writes counts in decimal units`(value: UInt64, expected: String) {
        #expect(written { $0.append(humanCount: value) } == expected)
    }

    @Test(arguments: [
        (0, "0ms"), (450, "450ms"), (9_950, "9.9s"), (10_000, "10s"), (192_000, "3m12s"),
        (599_999, "9m59s"), (600_000, "10m"), (3_600_000, "1h00m"), (35_999_999, "9h59m"),
        (36_000_000, "10h"), (345_599_999, "95h"), (345_600_000, "4d"),
        (8_640_000_000_000, "100000d"),
    ])
    func `writes durations in five characters`(milliseconds: UInt64, expected: String) {
        #expect(written { $0.append(humanDuration: milliseconds * 1_000_000) } == expected)
    }

    @Test func `cuts a cell in its middle and keeps its end`() {
        let text = written {
            $0.append(literal: "| [2001:db8::1234]:443")
            $0.elide(from: 2, width: 14, tail: 6)
        }
        #expect(text == "| [2001:d…4]:443")
    }

    @Test func `hands over pieces of 64 KiB and more, and the rest at the end`() throws {
        let collector = Collector()
        var printer = FlowPrinter(format: .jsonl, sink: collector.sink)
        for _ in 0..<500 { try printer.print(SampleFlows.spliced, now: SampleFlows.now) }
        try printer.end()
        #expect(collector.sizes.count > 2)
        #expect(collector.sizes.dropLast().allSatisfy { $0 >= 65536 && $0 < 131072 })
        #expect(collector.lines.count == 500)
    }
}
