// SPDX-License-Identifier: Apache-2.0

public import Datapath
internal import KernelSockets
internal import WireTypes

/// Flows that were silent for too long, between the first question and the answer or the end.
///
/// The question is a keepalive (RFC 9293, 3.8.4): an empty segment right below what the end expects,
/// which it must answer. The answer passes the flow, and its time of last packet tells.
struct QuietFlows {
    /// What to do with a flow.
    enum Verdict: Equatable {
        case wait
        case ask
        case end
    }

    private struct Question {
        var createdNanoseconds: UInt64
        /// As rows have their times: an answer that came at once is not before it.
        var firstAsked: UInt64
        var times: Int
    }

    /// Rows have ticks of 17 ms of a clock that may lag.
    private static let tick: UInt64 = 2 << 24

    /// Questions without an answer before a flow is ended.
    static let patience = 3

    private var asked: [FlowTuple: Question] = [:]

    /// The verdict on a silent flow, walk by walk. `lastSeen` is that of the direction that was
    /// silent longer: both ends must answer. `lastData` is that of the other one: a flow with new data
    /// is not silent, and its sender finds out himself whether it arrives.
    mutating func judge(
        _ row: SpliceRow, lastSeen: UInt64, lastData: UInt64, now: UInt64
    ) -> Verdict {
        guard var question = asked[row.client],
            question.createdNanoseconds == row.createdNanoseconds
        else {
            asked[row.client] = Question(
                createdNanoseconds: row.createdNanoseconds,
                firstAsked: now - min(now, Self.tick), times: 1)
            return .ask
        }
        if max(lastSeen, lastData) >= question.firstAsked {
            asked[row.client] = nil
            return .wait
        }
        guard question.times < Self.patience else {
            asked[row.client] = nil
            return .end
        }
        question.times += 1
        asked[row.client] = question
        return .ask
    }

    /// Whether an answer is waited for. One end's makes a flow look lively before the other end's is
    /// there.
    func isAsking(_ row: SpliceRow) -> Bool {
        asked[row.client]?.createdNanoseconds == row.createdNanoseconds
    }

    /// Forgets questions of flows that are gone or not silent any more.
    mutating func keep(_ silent: Set<FlowTuple>) {
        asked = asked.filter { silent.contains($0.key) }
    }
}

extension Segment {
    /// A keepalive to the sender of `row`, whose other direction is `peer`.
    init(probing row: SpliceRow, peer: SpliceRow) {
        let arriving = row.isUpstream ? row.client : row.upstream.reversed
        self.init(
            tuple: arriving.reversed, sequence: row.lastAcknowledgement &- 1, flags: .acknowledge)
        acknowledgement = peer.forwardedAcknowledgement
        // Older than what the end has seen by now, as a rule. It answers nevertheless, and takes no
        // note of it: what the segment carries it has acknowledged (RFC 7323, 5.3 R1 and R3).
        timestamp = row.hasTimestamps ? row.firstTimestamp : nil
        window = 0xffff
    }

    /// An RST that the sender of `row` believes: it carries what that end acknowledged last.
    public init(resetting row: SpliceRow) {
        let arriving = row.isUpstream ? row.client : row.upstream.reversed
        self.init(tuple: arriving.reversed, sequence: row.lastAcknowledgement, flags: .reset)
    }
}
