// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import Glibc
internal import KernelSockets
internal import Splicing
internal import WireTypes

/// Sends RSTs that both ends of a connection believe, past the egress guard, which marks the flow as
/// reset: the daemon, or the next one, then removes it.
struct Resetter: ~Copyable {
    private let raw: RawSocket

    init() throws {
        do {
            raw = try RawSocket(priority: KernelDatapath.socketPriority)
        } catch {
            throw FlowdumpError("cannot send resets: \(error). It needs root")
        }
    }

    /// Resets those that are still there; how many.
    func reset(_ flows: [Flow], of table: borrowing PinnedFlowTable) throws -> Int {
        var killed = [(flow: Flow, told: [UInt32])]()
        for flow in flows {
            // Their numbers moved on since the listing.
            guard let rows = table.rows(of: flow) else { continue }
            killed.append((flow, try tell([rows.upstream, rows.downstream], after: killed.count)))
        }
        // What an end acknowledged while its RST was on the way makes that one of the past, which it
        // ignores or challenges; the other end may be gone, and then nobody tells it again.
        for _ in 0..<Self.repetitions where !killed.isEmpty {
            usleep(Self.pause)
            for index in killed.indices {
                guard let rows = table.rows(of: killed[index].flow) else { continue }
                let now = [rows.upstream, rows.downstream]
                if now.map(\.lastAcknowledgement) != killed[index].told {
                    killed[index].told = try tell(now, after: killed.count)
                }
            }
        }
        return killed.count
    }

    /// How often numbers are looked at again, and after how many microseconds.
    private static let repetitions = 2
    private static let pause: UInt32 = 20_000

    /// Sends an RST to the sender of each row, so many connections after the first; answers with which
    /// numbers.
    private func tell(_ rows: [SpliceRow], after count: Int) throws -> [UInt32] {
        var packet: [UInt8] = []
        for row in rows {
            let segment = Segment(resetting: row)
            segment.write(into: &packet)
            do {
                try raw.send(packet.span, to: segment.tuple.destination.address)
            } catch {
                throw FlowdumpError(
                    "\(count) connections reset, then: cannot reset \(row.client.source): \(error)")
            }
        }
        return rows.map(\.lastAcknowledgement)
    }
}
