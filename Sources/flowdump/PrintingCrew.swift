// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import Dispatch
internal import FlowReport
internal import Foundation
internal import Synchronization

/// Threads that read, filter and write the flows of one source, each a batch at a time. They meet
/// only where a batch is read and where a piece of text goes out.
final class PrintingCrew: Sendable {
    /// The kernel hands out one batch at a time, which takes a quarter of a worker's time: more of
    /// them would only wait.
    private static let workers = min(4, ProcessInfo.processInfo.activeProcessorCount)

    private let filter: FlowFilter
    private let now: UInt64
    private let sink: ReportSink
    // Beside the sink, not around it: a closure inside a Mutex gets a layer of thunks each time.
    private let turn = Mutex(())
    private let outcome = Mutex(Outcome())

    private struct Outcome {
        var count = 0
        var error: (any Error)?
    }

    init(filter: FlowFilter, now: UInt64, sink: @escaping ReportSink) {
        self.filter = filter
        self.now = now
        self.sink = sink
    }

    /// Prints what is left of `source`; answers how many flows.
    func print(
        _ source: borrowing some FlowSource & ~Copyable, like printer: borrowing FlowPrinter
    ) throws -> Int {
        DispatchQueue.concurrentPerform(iterations: Self.workers) { _ in
            var companion = printer.companion { bytes in
                try self.turn.withLock { _ in try self.sink(bytes) }
            }
            do {
                try work(source, &companion)
            } catch {
                outcome.withLock { $0.error = $0.error ?? error }
            }
            outcome.withLock { $0.count += companion.count }
        }
        return try outcome.withLock { outcome in
            if let error = outcome.error { throw error }
            return outcome.count
        }
    }

    private func work(
        _ source: borrowing some FlowSource & ~Copyable, _ printer: inout FlowPrinter
    ) throws {
        while outcome.withLock({ $0.error == nil }) {
            let hasMore = try source.nextFlows { flow in
                if filter.matches(flow, now: now) { try printer.print(flow, now: now) }
            }
            if !hasMore { return try printer.flush() }
        }
    }
}
