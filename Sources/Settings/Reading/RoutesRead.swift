// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// What a listener's routes and rules come to, in this order: routes by name, those of a file,
/// rules.
struct RoutesRead {
    /// Where a route stands.
    enum Place {
        case line(Position)
        /// In a line of another file, which is named at that position.
        case listed(line: Int, file: String, Position)

        /// Where in the configuration to look.
        var position: Position {
            switch self {
            case .line(let position), .listed(_, _, let position): position
            }
        }
    }

    private(set) var all: [Route] = []
    /// The lines and columns of all; for those of a file, its lines.
    private var positions: [Position] = []
    private var listed: (places: Range<Int>, file: String, position: Position)?

    /// Makes room for so many more.
    mutating func reserve(_ count: Int) {
        all.reserveCapacity(all.count + count)
        positions.reserveCapacity(positions.count + count)
    }

    /// Adds a route that is written at `position`.
    mutating func append(_ route: Route, _ position: Position) {
        all.append(route)
        positions.append(position)
    }

    /// Adds the routes of a file, which is named at `position`, with their lines.
    mutating func append(_ list: [(Route, line: Int)], of file: String, _ position: Position) {
        let first = all.count
        reserve(list.count)
        for (route, line) in list { append(route, Position(line: line, column: 1)) }
        listed = (first..<all.count, file, position)
    }

    /// Where a route stands.
    func place(of id: RouteID) -> Place {
        let index = Int(id.rawValue)
        guard let listed, listed.places.contains(index) else { return .line(positions[index]) }
        return .listed(line: positions[index].line, file: listed.file, listed.position)
    }
}

extension RoutesRead.Place: CustomStringConvertible {
    var description: String {
        switch self {
        case .line(let position): "line \(position.line)"
        case .listed(let line, let file, _): "line \(line) of \(quoted(file))"
        }
    }
}
