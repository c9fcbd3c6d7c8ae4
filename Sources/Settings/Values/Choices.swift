// SPDX-License-Identifier: Apache-2.0

/// How programs are attached to an interface.
public enum AttachKind: String, Hashable, Sendable, CaseIterable {
    /// tcx where the kernel has it, else clsact.
    case auto
    /// tcx links (kernel 6.6).
    case tcx
    /// Filters of a clsact qdisc.
    case clsact
}

/// What is logged and how.
public struct LogSettings: Hashable, Sendable {
    /// How a line looks.
    public var format: LogFormat
    /// The least level that is written.
    public var level: LogLevel
    /// Where each connection that is over gets a line.
    public var connections: ConnectionLogPlace
}

/// Where the connection log goes.
public enum ConnectionLogPlace: Hashable, Sendable {
    /// Nowhere.
    case off
    /// Standard error, as the daemon's own lines do.
    case standardError
    /// Standard output.
    case standardOutput
    /// The file with this absolute path.
    case file(String)
}

/// How a line of the log looks.
public enum LogFormat: String, Hashable, Sendable, CaseIterable {
    /// Text for people.
    case human
    /// One JSON object a line.
    case json
}

/// How much is logged; the words are those of swift-log.
public enum LogLevel: String, Hashable, Sendable, CaseIterable {
    /// Everything.
    case trace
    /// What helps to find a fault.
    case debug
    /// What happens in normal life.
    case info
    /// What is not wrong but should be seen.
    case notice
    /// What may become wrong.
    case warning
    /// What went wrong.
    case error
    /// What ends the daemon.
    case critical
}
