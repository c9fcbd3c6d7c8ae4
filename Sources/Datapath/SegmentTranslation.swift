// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI

/// What the datapath adds to the numbers of a direction's segments, modulo 2³².
public struct SegmentTranslation: Sendable, Equatable {
    /// For sequence numbers.
    public let sequence: UInt32
    /// For acknowledgements.
    public let acknowledgement: UInt32
    /// For TSval.
    public let timestamp: UInt32
    /// For TSecr.
    public let timestampEcho: UInt32
    /// Bytes of a whole packet, IP header included, that the receiver takes; nil: unknown.
    public let sizeLimit: Int?
    private let windowShift: Int8

    init(_ entry: flow_entry) {
        sequence = entry.seq_delta
        acknowledgement = entry.ack_delta
        timestamp = entry.tsval_delta
        timestampEcho = entry.tsecr_delta
        sizeLimit = UInt32(entry.size_limit) == SIZE_UNLIMITED ? nil : Int(entry.size_limit)
        windowShift = entry.window_shift
    }

    /// A window in the receiver's scale: rounded down, saturated.
    public func window(_ window: UInt16) -> UInt16 {
        // A positive shift moves to the left.
        UInt16(
            clamping: windowShift >= 0 ? Int(window) << windowShift : Int(window) >> -windowShift)
    }
}
