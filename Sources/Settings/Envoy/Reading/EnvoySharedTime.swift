// SPDX-License-Identifier: Apache-2.0

/// A time that every filter of Envoy has for itself and that is one for all flows here.
struct EnvoySharedTime {
    private struct Statement {
        let value: Duration?
        let position: Position
        let isWritten: Bool
    }

    private let key: String
    private let standard: Duration?
    private var statements: [Statement] = []

    /// The time of a key, and what counts where it is not written; nil is never.
    init(_ key: String, isDefault standard: Duration?) {
        self.key = key
        self.standard = standard
    }

    /// Takes what a filter says, or that it says nothing.
    mutating func add(_ value: Duration?, _ position: Position, isWritten: Bool) {
        statements.append(Statement(value: value, position: position, isWritten: isWritten))
    }

    /// What all filters say.
    var value: Duration? { statements.first.map(\.value) ?? standard }

    /// The filters that say something else than the first one.
    var problems: [(position: Position, sentence: String)] {
        guard let first = statements.first else { return [] }
        return statements.filter { $0.value != first.value }.map { other in
            let found = "\(text(first)) in line \(first.position.line)"
            return (
                other.position,
                "\"\(key)\" is \(text(other)), but \(found); sluice has one for all flows, so write "
                    + "the same in each tcp_proxy"
            )
        }
    }

    private func text(_ statement: Statement) -> String {
        let value = statement.value.map(secondsText) ?? "never"
        return statement.isWritten ? value : "\(value) (Envoy's default)"
    }
}
