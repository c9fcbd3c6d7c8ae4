// SPDX-License-Identifier: Apache-2.0

import Dispatch
import KernelSockets
import Synchronization
import WireTypes

/// What other threads ask of the relay's.
enum RelayCommand: Sendable {
    case adopt(AdoptedConnection, AdoptionPurpose)
    case listen(RelayListener)
    case stopListening(TransportAddress, done: DispatchSemaphore)
    case assign(TransportAddress, listener: UInt16)
    case use(RelayLimits)
    case end(TransportAddress, cluster: UInt16)
    case stop
}

/// What an adopted connection is for.
enum AdoptionPurpose: Sendable {
    case relay(RelayPlan)
    case reject(RejectAction)
    case classify(listener: UInt16)
}

/// A listening socket and the id of its listener.
final class RelayListener: Sendable {
    let socket: ListeningSocket
    private let id: Mutex<UInt16>

    init(socket: consuming ListeningSocket, listener: UInt16) {
        self.socket = socket
        id = Mutex(listener)
    }

    var listener: UInt16 {
        get { id.withLock { $0 } }
        set { id.withLock { $0 = newValue } }
    }
}

/// Where the relay's thread waits, and how others wake it.
final class RelayChannel: Sendable {
    let epoll: Epoll
    private let wakeUp: EventCounter
    private let commands = Mutex<[RelayCommand]>([])

    /// The token of a wake-up; connections have others.
    static let wakeUpToken: UInt64 = 0

    init() throws(SocketError) {
        epoll = try Epoll()
        wakeUp = try EventCounter()
        try epoll.add(wakeUp, token: Self.wakeUpToken)
    }

    func post(_ command: RelayCommand) {
        let wasEmpty = commands.withLock { commands in
            commands.append(command)
            return commands.count == 1
        }
        if wasEmpty { wakeUp.signal() }
    }

    /// All commands so far. Clears the counter first: a later post signals again.
    func takeAll() -> [RelayCommand] {
        wakeUp.clear()
        return commands.withLock { commands in
            let taken = commands
            commands = []
            return taken
        }
    }
}
