// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// What happens to a client that may not connect.
public enum Refusal: String, Hashable, Sendable, CaseIterable {
    /// Nothing is answered.
    case drop
    /// RST.
    case reset
}

/// Who may connect, by the blocks that clients' addresses are in: the smallest block decides. Who
/// is in none may connect, unless there is any block of those that may.
public struct AccessList: Hashable, Sendable {
    /// Blocks that may.
    public var allowed: [AddressBlock] = []
    /// Blocks that may not; none of the others.
    public var denied: [AddressBlock] = []
    /// What happens to those that may not.
    public var refusal = Refusal.drop

    /// Everyone may.
    public init() {}

    /// Whether everyone may.
    public var isEmpty: Bool { allowed.isEmpty && denied.isEmpty }

    /// Every block with whether it may, those included that stand for all others.
    public var rules: [(block: AddressBlock, mayConnect: Bool)] {
        var rules = allowed.map { (block: $0, mayConnect: true) }
        rules += denied.map { (block: $0, mayConnect: false) }
        guard !allowed.isEmpty else { return rules }
        let listed = Set(allowed + denied)
        for everyone in [IPAddress.anyIPv4, .anyIPv6] {
            guard let block = AddressBlock(around: everyone, prefixLength: 0),
                !listed.contains(block)
            else { continue }
            rules.append((block, false))
        }
        return rules
    }
}

/// A list made ready for questions.
public struct AccessTable: Sendable {
    private let index: SourceIndex
    private let rules: [(block: AddressBlock, mayConnect: Bool)]

    /// The list's answers.
    public init(_ list: AccessList) {
        let rules = list.rules
        self.rules = rules
        index = SourceIndex(
            rules.enumerated().map { .init(block: $1.block, rule: UInt32($0), rank: $0) },
            anywhere: [])
    }

    /// Whether a client from `address` may connect.
    public func admits(_ address: IPAddress) -> Bool {
        index.first(for: address) { _ in true }.map { rules[Int($0)].mayConnect } ?? true
    }
}
