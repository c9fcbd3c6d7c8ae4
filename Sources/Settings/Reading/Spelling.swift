// SPDX-License-Identifier: Apache-2.0

/// The word that was probably meant: the one that the fewest typing errors make of it, when they
/// are at most a third of its length, or else the one that it begins.
func suggestion(for text: String, among words: some Sequence<String>) -> String? {
    var best: (word: String, errors: Int)?
    let typed = Array(text.lowercased().utf8)
    guard (2...64).contains(typed.count) else { return nil }
    for word in words {
        let meant = Array(word.lowercased().utf8)
        guard abs(meant.count - typed.count) <= 4 else { continue }
        let errors = typingErrors(typed, meant)
        if errors <= max(1, meant.count / 3), errors < best?.errors ?? .max {
            best = (word, errors)
        }
    }
    return best?.word
        ?? words.first { typed.count > 2 && $0.lowercased().utf8.starts(with: typed) }
}

/// How many bytes were left out, added, replaced, or swapped with their neighbour (optimal string
/// alignment distance).
private func typingErrors(_ typed: [UInt8], _ meant: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...meant.count)
    for (row, letter) in typed.enumerated() {
        var current = [row + 1]
        for (column, wanted) in meant.enumerated() {
            var errors = min(
                last[column] + (letter == wanted ? 0 : 1), last[column + 1] + 1, current[column] + 1
            )
            if row > 0, column > 0, letter == meant[column - 1], typed[row - 1] == wanted {
                errors = min(errors, beforeLast[column - 1] + 1)
            }
            current.append(errors)
        }
        (beforeLast, last) = (last, current)
    }
    return last[meant.count]
}
