// SPDX-License-Identifier: Apache-2.0

/// A packet as a capture has it.
public struct CapturedFrame: Sendable {
    /// Its place in the capture, from 1, as tcpdump counts.
    public var number: Int
    /// When it passed, in nanoseconds since 1970.
    public var time: UInt64
    /// What was captured of it, link header first.
    public var bytes: [UInt8]
    /// How long it was; more than `bytes` when the capture cut it.
    public var wireLength: Int

    /// A frame; `wireLength` nil: captured whole.
    public init(number: Int, time: UInt64, bytes: [UInt8], wireLength: Int? = nil) {
        self.number = number
        self.time = time
        self.bytes = bytes
        self.wireLength = wireLength ?? bytes.count
    }
}

/// What one wire carried, in the order in which it was captured.
public struct Capture: Sendable {
    /// What stands in front of the IP header.
    public enum Link: Sendable {
        /// 14 bytes of Ethernet header.
        case ethernet
        /// Nothing: a tun or WireGuard device.
        case rawIP
    }

    /// What stands in front of the IP header of each frame.
    public var link: Link
    /// The frames.
    public var frames: [CapturedFrame]

    /// A capture made up of frames.
    public init(link: Link = .ethernet, frames: [CapturedFrame] = []) {
        self.link = link
        self.frames = frames
    }
}

/// Why a capture cannot be read.
public struct CaptureError: Error, CustomStringConvertible {
    /// The file and what is wrong with it.
    public let description: String
}
