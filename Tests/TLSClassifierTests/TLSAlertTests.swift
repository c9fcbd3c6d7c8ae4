// SPDX-License-Identifier: Apache-2.0

import TLSClassifier
import Testing

@Suite struct `TLS alert` {
    @Test func `is a fatal alert record of seven bytes`() {
        #expect(TLSAlert.unrecognizedName.record == [21, 3, 1, 0, 2, 2, 112])
        #expect(TLSAlert.handshakeFailure.record == [21, 3, 1, 0, 2, 2, 40])
        #expect(TLSAlert.decodeError.record == [21, 3, 1, 0, 2, 2, 50])
        #expect(TLSAlert.internalError.record == [21, 3, 1, 0, 2, 2, 80])
        #expect(TLSAlert(rawValue: 255).record == [21, 3, 1, 0, 2, 2, 255])
    }
}
