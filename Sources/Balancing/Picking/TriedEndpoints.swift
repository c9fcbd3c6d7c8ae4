// SPDX-License-Identifier: Apache-2.0

/// The endpoints that one connection has already been refused by.
///
/// Costs nothing until the first failure; attempts are few, so a list is searched.
public struct TriedEndpoints: Hashable, Sendable {
    private var indices: [UInt16] = []

    /// None tried yet.
    public init() {}

    /// How many were tried.
    public var count: Int { indices.count }

    /// Whether none was tried yet.
    public var isEmpty: Bool { indices.isEmpty }

    /// Notes that endpoint `index` of the cluster failed.
    public mutating func insert(_ index: Int) {
        if !contains(index) { indices.append(UInt16(index)) }
    }

    /// Whether endpoint `index` failed before.
    public func contains(_ index: Int) -> Bool {
        indices.contains { Int($0) == index }
    }
}
