// SPDX-License-Identifier: Apache-2.0

internal import Datapath
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
        var packet: [UInt8] = []
        var count = 0
        for flow in flows {
            // Their numbers moved on since the listing.
            guard let rows = table.rows(of: flow) else { continue }
            for row in [rows.upstream, rows.downstream] {
                let segment = Segment(resetting: row)
                segment.write(into: &packet)
                do {
                    try raw.send(packet.span, to: segment.tuple.destination.address)
                } catch {
                    throw FlowdumpError(
                        "\(count) connections reset, then: cannot reset "
                            + "\(flow.upstream.tuple.source): \(error)")
                }
            }
            count += 1
        }
        return count
    }
}
