// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WireChecking
import WireTypes

@Suite struct `A capture file` {
    /// As tcpdump writes it: a header of 24 bytes, 16 in front of each packet, this host's order.
    private func write(_ capture: Capture, linkType: UInt32, isNano: Bool) throws -> URL {
        var data = Data()
        func put(_ values: UInt32...) {
            for value in values {
                data += (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
            }
        }
        put(isNano ? 0xa1b2_3c4d : 0xa1b2_c3d4, 0x0004_0002, 0, 0, 262144, linkType)
        for frame in capture.frames {
            let fraction = frame.time % 1_000_000_000
            put(UInt32(frame.time / 1_000_000_000), UInt32(isNano ? fraction : fraction / 1000))
            put(UInt32(frame.bytes.count), UInt32(frame.wireLength))
            data += frame.bytes
        }
        let file = FileManager.default.temporaryDirectory.appending(
            path: "\(UUID().uuidString).pcap")
        try data.write(to: file)
        return file
    }

    @Test(arguments: [(.ethernet, 1), (.rawIP, 101), (.rawIP, 228)] as [(Capture.Link, UInt32)])
    func `is read with its link type, to the nanosecond`(link: Capture.Link, type: UInt32) throws {
        var flow = try SyntheticFlow()
        flow.frontCapture.link = link
        flow.wait(123)
        flow.handshake()
        let file = try write(flow.frontCapture, linkType: type, isNano: true)
        defer { try? FileManager.default.removeItem(at: file) }
        let read = try Capture(contentsOf: file.path)
        #expect(read.link == link)
        #expect(read.frames.count == flow.frontCapture.frames.count)
        for (one, other) in zip(read.frames, flow.frontCapture.frames) {
            #expect(one.bytes == other.bytes && one.time == other.time)
            #expect(one.number == other.number && one.wireLength == other.wireLength)
        }
        flow.frontCapture = read
        expectSilence(flow.check)
    }

    @Test func `of microseconds is read as well`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        let file = try write(flow.frontCapture, linkType: 1, isNano: false)
        defer { try? FileManager.default.removeItem(at: file) }
        let read = try Capture(contentsOf: file.path)
        #expect(read.frames.map(\.time) == flow.frontCapture.frames.map { $0.time / 1000 * 1000 })
    }

    @Test func `of another link type, or none at all, is refused with a reason`() throws {
        let file = try write(Capture(), linkType: 113, isNano: true)
        defer { try? FileManager.default.removeItem(at: file) }
        let refused = #expect(throws: CaptureError.self) { try Capture(contentsOf: file.path) }
        #expect(
            refused?.description == "cannot read \(file.path): link type 113 is not known")
        #expect(throws: CaptureError.self) { try Capture(contentsOf: "\(file.path).none") }
    }

    @Test func `that was cut off is refused`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        let file = try write(flow.frontCapture, linkType: 1, isNano: true)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(contentsOf: file).dropLast(5).write(to: file)
        #expect(throws: CaptureError.self) { try Capture(contentsOf: file.path) }
    }
}
