// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathModel
import DatapathTesting
import Glibc

/// What a run of many trials saw.
struct RunReport {
    var trials = 0
    var refused = 0
    var verdicts: [Verdict: Int] = [:]
    var counters = [Int](repeating: 0, count: Counter.allCases.count)
    var failure: String?
}

/// Many trials, one after the other. Bytes, verdict and rows are compared for each; counters and
/// records for a batch, whose trials run one by one if they do not fit.
struct Run {
    let side: KernelSide
    let model: Model
    let seed: UInt64
    var report = RunReport()
    private var expected = [Int](repeating: 0, count: Counter.allCases.count)
    private var records: [Record] = []
    private var base: [UInt64] = []
    /// Answers and records that a budget limits, and since when.
    private var tokens = 0
    private let start = ContinuousClock.now

    static let batch = 64

    init(_ side: KernelSide, _ model: @escaping Model, seed: UInt64) {
        self.side = side
        self.model = model
        self.seed = seed
        base = side.counters()
        _ = side.bench.records()
    }

    /// Stops at the first difference.
    mutating func go(_ range: Range<Int>) throws {
        var start = range.lowerBound
        while start < range.upperBound, report.failure == nil {
            let batch = start..<min(start + Self.batch, range.upperBound)
            for index in batch where report.failure == nil { try one(index) }
            if report.failure == nil, let what = settle() { try search(batch, what) }
            start = batch.upperBound
            pace()
        }
    }

    /// Stays within the budgets (bpf/lib/budget.h): a packet that is dropped for lack of a token
    /// looks like one that is dropped for another reason, but is counted differently.
    private func pace() {
        let elapsed = start.duration(to: .now)
        let due = Duration.milliseconds(tokens - 25)
        if due > elapsed { usleep(UInt32((due - elapsed) / .microseconds(1))) }
    }

    private mutating func one(_ index: Int) throws {
        let trial = TrialMaker.trial(seed, index)
        guard let comparison = try side.compare(trial, with: model) else {
            report.refused += 1
            return
        }
        report.trials += 1
        report.verdicts[comparison.model.verdict, default: 0] += 1
        for counter in comparison.model.counters {
            expected[counter.rawValue] += 1
            report.counters[counter.rawValue] += 1
            if counter == .icmpSent || counter == .dropStray { tokens += 1 }
        }
        records += comparison.model.records
        guard !comparison.differences.isEmpty else { return }
        report.failure = try explain(comparison, index)
    }

    /// What of counters and records does not fit; nil: nothing.
    private mutating func settle() -> String? {
        let now = side.counters()
        let actual = zip(now, base).map { Int($0 - $1) }
        let mine = expected
        let told = records
        expected = expected.map { _ in 0 }
        records = []
        base = now
        var differences: [String] = []
        for counter in Counter.allCases where actual[counter.rawValue] != mine[counter.rawValue] {
            let (here, there) = (mine[counter.rawValue], actual[counter.rawValue])
            differences.append("counter \(counter): model \(here), kernel \(there)")
        }
        if let difference = side.recordDifference(told) { differences.append(difference) }
        return differences.isEmpty ? nil : differences.joined(separator: "; ")
    }

    private mutating func search(_ batch: Range<Int>, _ what: String) throws {
        for index in batch {
            try one(index)
            if let what = settle(), report.failure == nil,
                let comparison = try side.compare(TrialMaker.trial(seed, index), with: model)
            {
                _ = settle()
                report.failure = try explain(comparison, index) + "\n" + what
            }
            if report.failure != nil { return }
        }
        report.failure = "seed \(seed), batch \(batch), not to be found one by one: \(what)"
    }

    private func explain(_ comparison: Comparison, _ index: Int) throws -> String {
        let small = try Shrinker(side: side, model: model).shrink(comparison)
        return "seed \(seed), index \(index)\n\(describe(comparison))\n\nmade small:\n"
            + describe(small)
    }
}
