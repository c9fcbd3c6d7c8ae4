// SPDX-License-Identifier: Apache-2.0

import Splicing

extension PortPool {
    /// Room of the queue of returned ports, seen from outside.
    var returnedCapacity: Int {
        let children = Mirror(reflecting: self).children
        let places = children.first { $0.label == "returned" }?.value as? any Collection
        return places?.count ?? .max
    }
}
