// SPDX-License-Identifier: Apache-2.0

import Balancing
import TLSClassifier
import WireTypes

/// Random numbers that are the same in every run (SplitMix64).
struct FixedNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

extension RoutingTable {
    /// The route of a client of which only the name is known.
    func route(for name: ServerName) -> RouteID? {
        var hello = ClientHello()
        hello.serverName = name
        return match(RouteQuery(hello, from: .anyIPv4))?.id
    }

    func cluster(for name: ServerName) -> Int? { route(for: name)?.cluster(in: self) }
}

extension RouteID {
    fileprivate func cluster(in table: RoutingTable) -> Int? { table[self].clusters.first }
}

extension RouteName {
    var text: String {
        switch self {
        case .pattern(let pattern): pattern.description
        case .expression(let expression): expression.text
        case .any: "any"
        }
    }
}

/// The client with a number: each has an address of its own.
func client(_ number: Int, port: UInt16 = 40000, name: ServerName? = nil) -> ClientKey {
    let address = IPAddress(v4: 0xc633_0000 + UInt32(number))
    return ClientKey(source: TransportAddress(address, port), serverName: name)
}

/// A cluster as a picker sees it, and what its connections come to.
struct Pool {
    var picker: Picker
    let loads: [EndpointLoad]
    var now: UInt64 = 1_000_000_000_000

    /// Endpoints 10.0.0.0, 10.0.0.1, … with those weights.
    init(
        _ weights: [Int], priorities: [Int] = [], _ policy: BalancePolicy = .roundRobin,
        start: UInt64 = 0, change: (inout Balance) -> Void = { _ in }
    ) {
        let endpoints = weights.indices.map { index in
            Endpoint(
                address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443),
                weight: weights[index], priority: priorities.isEmpty ? 0 : priorities[index])
        }
        self.init(endpoints, policy, start: start, change: change)
    }

    init(
        _ endpoints: [Endpoint], _ policy: BalancePolicy, start: UInt64 = 0,
        change: (inout Balance) -> Void = { _ in }
    ) {
        var balance = Balance()
        balance.policy = policy
        change(&balance)
        loads = endpoints.map { _ in EndpointLoad() }
        picker = Picker(endpoints, loads: loads, balance: balance, seed: 7, start: start)
    }

    /// The endpoint for the client with a number.
    mutating func pick(_ number: Int = 0, excluding tried: TriedEndpoints = TriedEndpoints())
        -> Int?
    {
        picker.pick(for: client(number), excluding: tried, now: now)
    }

    /// The same; there is one.
    mutating func endpoint(_ number: Int = 0) throws -> Int {
        guard let index = pick(number) else { throw NobodyLeft() }
        return index
    }

    struct NobodyLeft: Error {}

    /// Endpoints for so many clients, none of whose connections stays.
    mutating func take(_ count: Int) -> [Int] {
        (0..<count).map { pick($0) ?? -1 }
    }

    /// How often each endpoint was taken.
    mutating func shares(of count: Int) -> [Int] {
        var shares = [Int](repeating: 0, count: loads.count)
        for index in take(count) where index >= 0 { shares[index] += 1 }
        return shares
    }

    /// Endpoints for so many clients whose connections stay.
    mutating func open(_ count: Int, from first: Int = 0) {
        for number in first..<first + count {
            if let index = pick(number) { loads[index].open() }
        }
    }

    var active: [Int] { loads.map(\.active) }
}
