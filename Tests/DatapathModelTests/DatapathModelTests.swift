// SPDX-License-Identifier: Apache-2.0

import Datapath
@testable import DatapathModel
import DatapathTesting
import Foundation
import Testing

@Suite struct `Datapath and its model` {
    private static var count: Int {
        ProcessInfo.processInfo.environment["SLUICE_PACKETS"].flatMap { Int($0) } ?? 1_000_000
    }
    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["SLUICE_SEED"].flatMap { UInt64($0) } ?? 20_261_123
    }
    /// Packets for which the bench is held: other suites wait for it.
    private static let turn = 50_000

    @Test(.needsKernel) func `agree on every packet`() throws {
        let start = ContinuousClock.now
        var done = 0
        var refused = 0
        var counters = [Int](repeating: 0, count: Counter.allCases.count)
        while done < Self.count {
            let range = done..<min(done + Self.turn, Self.count)
            let report = try TestBench.use { bench in
                var run = Run(try KernelSide(bench), Translator.outcome, seed: Self.seed)
                try run.go(range)
                return run.report
            }
            if let failure = report.failure {
                Issue.record("\(failure)")
                return
            }
            refused += report.refused
            counters = zip(counters, report.counters).map(+)
            done = range.upperBound
        }
        print("\(done) packets, \(refused) refused by the kernel, \(ContinuousClock.now - start)")
        for counter in Counter.allCases { print("  \(counter) \(counters[counter.rawValue])") }
    }

    @Test func `count the same things`() {
        #expect(
            Counter.allCases.map { "\($0)" } == DatapathCounter.allCases.map { "\($0)" })
    }
}

extension Trait where Self == ConditionTrait {
    /// Tests that load programs. Without root they are skipped; in CI they run and fail.
    static var needsKernel: ConditionTrait {
        let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
        return .enabled(
            if: geteuid() == 0 || isCI,
            "needs root: loads BPF programs and makes a network namespace")
    }
}
