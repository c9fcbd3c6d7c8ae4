// SPDX-License-Identifier: Apache-2.0

import Splicing

extension PortPool {
    /// Length of the queue of returned ports, those handed out again and not trimmed yet included.
    var returnedCount: Int {
        let children = Mirror(reflecting: self).children
        let places = children.first { $0.label == "returned" }?.value as? any Collection
        return places?.count ?? .max
    }
}
