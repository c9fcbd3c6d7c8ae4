// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
public import KernelSockets
public import Logging
internal import Synchronization

/// Where the connection log goes.
public enum ConnectionLogTarget: Hashable, Sendable {
    /// Standard error, among the daemon's own lines.
    case standardError
    /// Standard output.
    case standardOutput
    /// A file, to whose end lines are appended.
    case file(String)

    func open() throws(SocketError) -> LogFile {
        switch self {
        case .standardError: try .standardError()
        case .standardOutput: try .standardOutput()
        case .file(let path): try LogFile(path: path)
        }
    }
}

/// The connection log: one line for each connection that is over, written by a thread of its own.
///
/// Threads leave records in lanes; this one takes them ten times a second, makes lines of them and
/// appends these. While a disk or a reader is slow, lanes fill up, then drop and count; nobody but
/// this thread waits.
public final class ConnectionLog: Sendable {
    private static let interval = Duration.milliseconds(100)

    private let target: ConnectionLogTarget
    private let format: ConnectionFormat
    private let logger: Logger
    private let lanes = Mutex<[ConnectionLane]>([])
    private let wantsReopening = Atomic<Bool>(false)
    private let isStopping = Atomic<Bool>(false)
    private let dropped = Atomic<Int>(0)
    private let bell: EventCounter
    private let ended = DispatchSemaphore(value: 0)

    /// Names of what records name by id.
    public let names: ConnectionNames

    /// Opens the target and starts the thread.
    ///
    /// - Parameter serverName: The SNI with an id in the datapath, for flows of an earlier daemon.
    public init(
        to target: ConnectionLogTarget, logger: Logger,
        serverName: @escaping @Sendable (UInt32) -> String? = { _ in nil }
    ) throws(SocketError) {
        self.target = target
        self.logger = logger
        let names = ConnectionNames()
        self.names = names
        format = ConnectionFormat(names: names, serverName: serverName)
        bell = try EventCounter()
        let box = try LogFileBox(target.open())
        _ = try KernelThread(name: "connection-log") { [self] in
            if let file = box.take() { run(ConnectionWriter(file)) }
            ended.signal()
        }
    }

    /// A lane for one more thread, that many records long.
    public func lane(capacity: Int = 16384) -> ConnectionLane {
        let lane = ConnectionLane(capacity: capacity)
        lanes.withLock { $0.append(lane) }
        return lane
    }

    /// How many lines were dropped so far.
    public var droppedLines: Int { dropped.load(ordering: .relaxed) }

    /// Opens the file anew, which another program has renamed. What is left of a line goes into the
    /// old one.
    public func reopen() {
        wantsReopening.store(true, ordering: .relaxed)
        bell.signal()
    }

    /// Writes what was left in the lanes and ends the thread; waits for two seconds at most, since a
    /// reader may never read. A second call returns at once.
    public func stop() {
        guard !isStopping.exchange(true, ordering: .relaxed) else { return }
        bell.signal()
        _ = ended.wait(timeout: .now() + 2)
    }

    private func run(_ writer: consuming ConnectionWriter) {
        guard let epoll = try? Epoll(), (try? epoll.add(bell, token: 0)) != nil else {
            return logger.error("connections are not logged: no epoll")
        }
        var writer = writer
        var format = format
        var events = [Epoll.Event()]
        var complaint = Complaint()
        // Lanes are given its room in place of what they had.
        var records: [ConnectionRecord] = []
        var end = UInt64.max
        while true {
            // Before the last look at the lanes.
            let isLast = isStopping.load(ordering: .relaxed)
            if isLast, end == .max { end = MonotonicClock.nanoseconds + 2_000_000_000 }
            var isDone = false
            let ready = (try? epoll.wait(&events, timeout: Self.interval)) ?? 0
            if ready > 0 { bell.clear() }
            if wantsReopening.exchange(false, ordering: .relaxed) { reopen(&writer) }
            format.follow(
                wall: WallClock.nanoseconds, monotonic: MonotonicClock.nanoseconds)
            var failure: SocketError?
            do throws(SocketError) {
                // What a slow reader left comes first; until then lanes keep what they have.
                if try writer.flush() { isDone = try write(&writer, &records, format) }
            } catch {
                failure = error
            }
            let lost = lanes.withLock { $0 }.reduce(0) { $0 + $1.takeDropped() }
            dropped.add(lost, ordering: .relaxed)
            complaint.note(failure, dropped: lost, now: MonotonicClock.nanoseconds, logger)
            // A slow reader gets its time.
            if isLast, isDone || failure != nil || MonotonicClock.nanoseconds > end { return }
        }
    }

    /// False when the reader is too slow for all of it.
    private func write(
        _ writer: inout ConnectionWriter, _ records: inout [ConnectionRecord],
        _ format: ConnectionFormat
    ) throws(SocketError) -> Bool {
        for lane in lanes.withLock({ $0 }) {
            lane.take(into: &records)
            for record in records { writer.add(record, format) }
            guard try writer.flush() else { return false }
        }
        return true
    }

    private func reopen(_ writer: inout ConnectionWriter) {
        guard case .file(let path) = target else { return }
        do {
            try writer.use(target.open())
        } catch {
            logger.error(
                "cannot reopen the connection log: its lines still go to the file before",
                metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }
}

/// Carries a value that is not copyable into the thread that takes it.
private final class LogFileBox: Sendable {
    private let value: Mutex<LogFile?>
    init(_ value: consuming LogFile) { self.value = Mutex(consume value) }
    func take() -> LogFile? { value.withLock { $0.take() } }
}
