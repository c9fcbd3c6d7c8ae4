// SPDX-License-Identifier: Apache-2.0

/// Guesses which word was meant.
enum Spelling {
    /// What other balancers and tools call our words.
    private static let synonyms = [
        "backend": "endpoint", "server": "endpoint", "real": "endpoint", "dst": "endpoint",
        "upstream": "endpoint", "src": "client", "source": "client", "peer": "client",
        "vip": "listener", "frontend": "listener", "service": "listener", "pool": "cluster",
        "host": "client", "name": "sni", "servername": "sni", "why": "reason", "lb": "balancer",
        "size": "bytes", "pkts": "packets", "type": "mode",
    ]

    /// The candidate that is meant by `word`, if one is close.
    static func suggestion(for word: String, among candidates: [String]) -> String? {
        let word = word.lowercased()
        if let synonym = synonyms[word], candidates.contains(synonym) { return synonym }
        let limit = word.utf8.count < 5 ? 1 : 2
        let best = candidates.map { (distance(word, $0), $0) }.min { $0.0 < $1.0 }
        if let best, best.0 <= limit { return best.1 }
        return candidates.first { word.utf8.count >= 2 && $0.hasPrefix(word) }
    }

    /// How many letters to add, drop, change or swap with a neighbour (optimal string alignment).
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8.prefix(32))
        let right = Array(right.utf8.prefix(32))
        var older: [Int] = []
        var previous = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let isSame = left[row] == right[column]
                var cost = min(
                    previous[column + 1] + 1, current[column] + 1,
                    previous[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1],
                    left[row - 1] == right[column]
                {
                    cost = min(cost, older[column - 1] + 1)
                }
                current.append(cost)
            }
            older = previous
            previous = current
        }
        return previous[right.count]
    }
}
