// SPDX-License-Identifier: Apache-2.0

import FlowReport
import Testing

@Suite struct `Flow sort` {
    @Test(arguments: [
        (FlowSort.client, "relayed spliced hostile six"), (.sni, "relayed hostile six spliced"),
        (.age, "six hostile spliced relayed"), (.idle, "hostile spliced six relayed"),
        (.bytes, "spliced relayed hostile six"), (.state, "relayed spliced six hostile"),
        (.mode, "spliced hostile six relayed"), (.cluster, "spliced hostile relayed six"),
    ])
    func `orders flows, equal ones by client`(sort: FlowSort, expected: String) {
        let names = ["spliced", "six", "relayed", "hostile"]
        let sorted = sort.sorted(SampleFlows.all, now: SampleFlows.now).map { flow in
            zip(names, SampleFlows.all).first { $0.1 == flow }?.0 ?? "?"
        }
        #expect(sorted.joined(separator: " ") == expected)
        let reversed = sort.sorted(SampleFlows.all, now: SampleFlows.now, isReversed: true)
        #expect(reversed == sort.sorted(SampleFlows.all, now: SampleFlows.now).reversed())
    }
}
