// SPDX-License-Identifier: Apache-2.0

internal import HealthChecking
internal import KernelSockets
internal import WireTypes

/// How a probe ended.
enum ProbeResult: Equatable {
    case good
    /// A reason that completes "the endpoint …".
    case bad(String)
    /// Nothing was learned of the endpoint: this host is out of something.
    case skipped
}

/// Probes under way, all on one thread: sockets that are connected and spoken to as epoll says.
///
/// The kernel chooses source ports, from a range that none of sluice's own are in.
final class ProbeRunner {
    private final class Probe {
        var socket: TCPSocket
        var conversation: ProbeConversation
        let deadline: UInt64
        let timeout: Duration
        var isConnected = false
        var said = 0

        init(
            _ socket: consuming TCPSocket, _ conversation: ProbeConversation, deadline: UInt64,
            timeout: Duration
        ) {
            self.socket = socket
            self.conversation = conversation
            self.deadline = deadline
            self.timeout = timeout
        }
    }

    private let channel: HealthChannel
    private var probes: [UInt64: Probe] = [:]
    private var queue = WakeQueue()
    private var finished: [(token: UInt64, result: ProbeResult)] = []
    private var buffer = [UInt8](repeating: 0, count: 4096)
    private var events = [Epoll.Event](repeating: Epoll.Event(), count: 64)

    /// Probes that are waited for in `channel`.
    init(_ channel: HealthChannel) { self.channel = channel }

    /// Begins a probe. `now`: CLOCK_MONOTONIC nanoseconds.
    func begin(
        _ token: UInt64, to address: TransportAddress, _ conversation: ProbeConversation,
        timeout: Duration, now: UInt64
    ) {
        do {
            let socket = try TCPSocket.connecting(to: address)
            let deadline = now &+ timeout.nanoseconds
            let probe = Probe(socket, conversation, deadline: deadline, timeout: timeout)
            try channel.epoll.add(
                probe.socket, [.readable, .writable, .peerClosed, .edgeTriggered], token: token)
            probes[token] = probe
            queue.insert(.init(time: deadline, cluster: 0, endpoint: Int(token)))
        } catch {
            finished.append((token, result(of: error)))
        }
    }

    /// Waits for events until `limit` (nil: for ever), and handles those of probes.
    func wait(until limit: UInt64?) throws(SocketError) {
        var timeout: Duration?
        if !finished.isEmpty {
            timeout = .zero
        } else if let next = [limit, queue.next].compactMap(\.self).min() {
            let now = MonotonicClock.nanoseconds
            timeout = .nanoseconds(next > now ? Int64(clamping: next - now) : 0)
        }
        let count = try channel.epoll.wait(&events, timeout: timeout)
        for event in events.prefix(count) {
            if event.token == HealthChannel.bellToken {
                channel.bell.clear()
            } else if let probe = probes[event.token] {
                handle(event.token, probe, event.readiness)
            }
        }
    }

    /// Probes that have ended. `now`: CLOCK_MONOTONIC nanoseconds.
    func takeFinished(now: UInt64) -> [(token: UInt64, result: ProbeResult)] {
        while let entry = queue.take(until: now) {
            let token = UInt64(entry.endpoint)
            guard let probe = probes[token], probe.deadline == entry.time else { continue }
            let wanted = probe.isConnected ? "say anything good" : "accept"
            finish(token, .bad("did not \(wanted) within \(milliseconds(probe.timeout)) ms"))
        }
        defer { finished = [] }
        return finished
    }

    private func milliseconds(_ duration: Duration) -> UInt64 { duration.nanoseconds / 1_000_000 }

    private func handle(_ token: UInt64, _ probe: Probe, _ readiness: Readiness) {
        if readiness.contains(.failed), let error = probe.socket.takeError() {
            // What came before an RST may have been good.
            if probe.isConnected { hear(token, probe) }
            if probes[token] != nil { finish(token, result(of: error)) }
            return
        }
        if readiness.contains(.writable) { speak(token, probe) }
        if probes[token] != nil, probe.isConnected { hear(token, probe) }
    }

    private func speak(_ token: UInt64, _ probe: Probe) {
        probe.isConnected = true
        if probe.conversation.isOver { return finish(token, .good) }
        let greeting = probe.conversation.greeting
        do {
            while probe.said < greeting.count {
                guard
                    case .moved(let count) = try probe.socket.write(
                        greeting.span.extracting(probe.said..<greeting.count))
                else { return }
                probe.said += count
            }
        } catch {
            finish(token, result(of: error))
        }
    }

    private func hear(_ token: UInt64, _ probe: Probe) {
        do {
            while true {
                let verdict: ProbeConversation.Verdict
                switch try probe.socket.read(into: &buffer) {
                case .wouldBlock: return
                case .ended: verdict = probe.conversation.end()
                case .moved(let count): verdict = probe.conversation.hear(buffer.prefix(count))
                }
                switch verdict {
                case .needsMore: continue
                case .good: return finish(token, .good)
                case .bad(let reason): return finish(token, .bad(reason))
                }
            }
        } catch {
            finish(token, result(of: error))
        }
    }

    /// Closes with RST: no TIME_WAIT is left here, and the endpoint has nothing to wait for.
    private func finish(_ token: UInt64, _ result: ProbeResult) {
        probes.removeValue(forKey: token)?.socket.reset()
        finished.append((token, result))
    }

    private func result(of error: SocketError) -> ProbeResult {
        error.isOwnShortage ? .skipped : .bad(error.blame)
    }
}
