// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import WireTypes

extension TestBench {
    /// Makes the address that the family's client connects to a listener's.
    func listen(
        _ family: Family, promisesTimestamps: Bool = true, sources: SourceNumbers = SourceNumbers()
    ) throws {
        var promise = ListenerPromise(listener: 3, mss: 1400)
        promise.window = 64240
        promise.windowScale = 7
        promise.promisesTimestamps = promisesTimestamps
        promise.sources = sources
        try datapath.listen(on: family.client.destination, promise)
    }

    /// Templates whose stamps are of no other test.
    func templateRing() -> TemplateRing {
        TemplateRing(datapath, worker: 0, seed: .random(in: 0 ... .max))
    }
}
