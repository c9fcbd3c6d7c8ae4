// SPDX-License-Identifier: Apache-2.0

public import HealthChecking
public import KernelSockets

extension ConnectFailure {
    /// What a failed connect says of the endpoint; nil: nothing, this host is out of something.
    public init?(_ error: SocketError) {
        if error.isOwnShortage { return nil }
        switch error.kind {
        case .refused: self = .refused
        case .timedOut: self = .noAnswer
        default: self = .failed(error.reason)
        }
    }
}

extension SocketError {
    /// Whether it says something of this host, and nothing of the peer.
    var isOwnShortage: Bool { isOutOfDescriptors || kind == .ownShortage }

    /// Completes "the endpoint …".
    var blame: String {
        switch kind {
        case .refused: "refused the connection"
        case .reset: "reset the connection"
        case .timedOut: "did not answer in time"
        case .unreachable: "cannot be reached: \(reason)"
        case .ownShortage, .other: "failed: \(reason)"
        }
    }
}
