// SPDX-License-Identifier: Apache-2.0

/// How a filter compares a number.
public enum Comparison: String, Sendable, CaseIterable {
    /// `>`
    case greater = ">"
    /// `>=`
    case greaterOrEqual = ">="
    /// `<`
    case less = "<"
    /// `<=`
    case lessOrEqual = "<="
    /// `=`
    case equal = "="
    /// `!=`
    case notEqual = "!="

    /// Whether `value` stands in this relation to `limit`.
    public func holds(_ value: UInt64, _ limit: UInt64) -> Bool {
        switch self {
        case .greater: value > limit
        case .greaterOrEqual: value >= limit
        case .less: value < limit
        case .lessOrEqual: value <= limit
        case .equal: value == limit
        case .notEqual: value != limit
        }
    }
}
