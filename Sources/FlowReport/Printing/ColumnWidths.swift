// SPDX-License-Identifier: Apache-2.0

/// How wide each column of a table is: what the first rows need, shrunk to fit a line.
struct ColumnWidths {
    /// A width for each column, in order.
    private(set) var widths: [Int]

    /// Fits `natural` widths into `limit` columns, one space between two; nil: everything fits.
    init(natural: [Int], columns: [FlowColumn], limit: Int?) {
        widths = zip(natural, columns).map { max($0, $1.leastWidth) }
        guard let limit else { return }
        let spaces = columns.count - 1
        for floor in Floor.allCases {
            shrink(columns, by: widths.reduce(spaces, +) - limit, to: floor)
        }
        widen(columns, by: limit - widths.reduce(spaces, +))
    }

    /// What may be taken away, in this order: IPv6 must give before names, names before IPv4.
    private enum Floor: CaseIterable {
        case longAddresses, names, addresses, tightNames, tightAddresses

        func width(of column: FlowColumn) -> Int? {
            switch (self, column) {
            case (.longAddresses, _) where column.isAddress: 30
            case (.addresses, _) where column.isAddress: 21
            case (.tightAddresses, _) where column.isAddress: 12
            case (.names, .serverName): 16
            case (.names, .listener), (.names, .cluster): 8
            case (.names, .mode): 15
            case (.tightNames, .serverName): 8
            case (.tightNames, .listener), (.tightNames, .cluster): 4
            case (.tightNames, .mode): 9
            default: nil
            }
        }
    }

    /// Takes from the widest first, so that no column suffers alone.
    private mutating func shrink(_ columns: [FlowColumn], by excess: Int, to floor: Floor) {
        for _ in 0..<max(excess, 0) {
            let spare = columns.indices.map {
                widths[$0] - (floor.width(of: columns[$0]) ?? widths[$0])
            }
            guard let most = spare.indices.max(by: { spare[$0] < spare[$1] }), spare[most] > 0
            else { return }
            widths[most] -= 1
        }
    }

    /// Gives what is left to the columns whose later cells may well be longer.
    private mutating func widen(_ columns: [FlowColumn], by rest: Int) {
        var rest = rest
        let wishes: [(FlowColumn, Int)] = [
            (.listener, 8), (.cluster, 7), (.client, 21), (.endpoint, 21), (.serverName, 24),
        ]
        for (column, wish) in wishes {
            guard rest > 0, let index = columns.firstIndex(of: column) else { continue }
            let gain = min(rest, max(wish - widths[index], 0))
            widths[index] += gain
            rest -= gain
        }
    }
}

extension FlowColumn {
    /// What any cell of the column needs, for columns that are never cut in a table.
    fileprivate var leastWidth: Int {
        switch self {
        case .client, .endpoint: 12
        case .serverName: 8
        case .listener, .cluster: 4
        case .state: 7
        case .age, .idle: 5
        case .upstreamBytes, .downstreamBytes, .upstreamPackets, .downstreamPackets: 4
        default: 1
        }
    }
}
