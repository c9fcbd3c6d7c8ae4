// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Splicing

@Suite struct `Hello assembly` {
    private static let stream = (0..<200).map { UInt8($0) }

    /// Adds `stream[range]` and tells by how much the whole grew.
    private func add(_ range: Range<Int>, to assembly: inout HelloAssembly, limit: Int = 1000)
        -> Int
    {
        let part = Array(Self.stream[range])
        let sequence = assembly.start &+ UInt32(range.lowerBound)
        return assembly.add(part.span, at: sequence, limit: limit)
    }

    private func assembled(_ ranges: [Range<Int>], start: UInt32 = 1000) -> [UInt8] {
        var assembly = HelloAssembly(start: start)
        var grown = 0
        for range in ranges { grown += add(range, to: &assembly) }
        #expect(grown == assembly.bytes.count)
        #expect(assembly.segments == ranges.count)
        return assembly.bytes
    }

    /// Numbers of a stream that crosses 2³² in its middle, and of one that does not.
    private static let starts: [UInt32] = [1000, 0xffff_ffff - 99]

    static let orders: [[Range<Int>]] = [
        [0..<200],
        [0..<100, 100..<200],
        [100..<200, 0..<100],
        [120..<200, 60..<120, 0..<60],
        [0..<120, 80..<200],
        [80..<200, 0..<120],
        [0..<100, 0..<100, 0..<200],
        [50..<150, 100..<200, 150..<160, 0..<60],
        [0..<0, 0..<200, 200..<200],
    ]

    @Test(arguments: orders, starts)
    func `puts segments in order`(order: [Range<Int>], start: UInt32) {
        #expect(assembled(order, start: start) == Self.stream)
    }

    @Test func `waits at a gap`() {
        #expect(assembled([0..<50, 60..<200]) == Array(Self.stream[..<50]))
    }

    @Test func `takes what lies behind the first byte of a segment that begins before it`() {
        var assembly = HelloAssembly(start: 1100)
        let grown = assembly.add(Self.stream.span, at: 1000, limit: 1000)
        #expect(grown == 100)
        #expect(assembly.bytes == Array(Self.stream[100...]))
        let none = assembly.add(Self.stream.span, at: 800, limit: 1000)
        #expect(none == 0)
        #expect(assembly.bytes.count == 100)
    }

    @Test func `keeps the longer of two segments beyond a gap`() {
        #expect(assembled([100..<200, 100..<150, 0..<100]) == Self.stream)
    }

    @Test func `ends at its limit`() {
        var assembly = HelloAssembly(start: 0)
        #expect(add(100..<200, to: &assembly, limit: 150) == 0)
        #expect(add(0..<120, to: &assembly, limit: 150) == 120)
        #expect(add(0..<200, to: &assembly, limit: 150) == 30)
        #expect(add(150..<200, to: &assembly, limit: 150) == 0)
        #expect(assembly.bytes == Array(Self.stream[..<150]))
    }

    @Test func `keeps few segments beyond a gap`() {
        var assembly = HelloAssembly(start: 0)
        for index in 1...40 { _ = add(index..<index + 1, to: &assembly) }
        _ = add(0..<1, to: &assembly)
        #expect(assembly.bytes.count == 17)
    }

    @Test func `begins anew without what it had`() {
        var assembly = HelloAssembly(start: 0)
        _ = add(0..<10, to: &assembly)
        _ = add(20..<30, to: &assembly)
        assembly.reset(start: 5000)
        #expect(assembly.segments == 0)
        #expect(add(0..<20, to: &assembly) == 20)
        #expect(assembly.bytes == Array(Self.stream[..<20]))
    }
}
