// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing

@Suite struct `A plan from one layout to another` {
    private func plan(
        _ old: [StructLayout.Member], _ new: [StructLayout.Member], essential: [String] = [],
        narrowing: Set<String> = []
    ) throws -> LayoutPlan {
        try LayoutPlan(
            from: StructLayout("old", size: 8, old), to: StructLayout("row", size: 8, new),
            essential: essential, narrowing: narrowing)
    }

    private func refusal(
        _ old: [StructLayout.Member], _ new: [StructLayout.Member], essential: [String] = [],
        narrowing: Set<String> = []
    ) -> String? {
        do {
            _ = try plan(old, new, essential: essential, narrowing: narrowing)
            return nil
        } catch { return "\(error)" }
    }

    @Test func `moves members that stand elsewhere`() throws {
        let plan = try plan(
            [.init("a", at: 0, size: 4), .init("b", at: 4, size: 2)],
            [.init("b", at: 0, size: 2), .init("a", at: 4, size: 4)])
        #expect(plan.row(0, of: [1, 2, 3, 4, 5, 6, 7, 8]) == [5, 6, 0, 0, 1, 2, 3, 4])
    }

    @Test func `takes rows that did not change in one piece`() throws {
        let members: [StructLayout.Member] = [
            .init("a.x", at: 0, size: 4), .init("a.y", at: 4, size: 2), .init("b", at: 6, size: 2),
        ]
        let plan = try plan(members, members, essential: ["a", "b"])
        #expect(plan.moves == [.init(from: 0, to: 0, size: 8)])
        #expect(plan.missing.isEmpty)
    }

    @Test func `finds the second of two rows`() throws {
        let members: [StructLayout.Member] = [.init("a", at: 0, size: 8)]
        let plan = try plan(members, members)
        let rows = [UInt8](repeating: 1, count: 8) + [UInt8](repeating: 2, count: 8)
        #expect(plan.row(1, of: rows) == [UInt8](repeating: 2, count: 8))
    }

    @Test func `gives new members zero and leaves old ones behind`() throws {
        let plan = try plan(
            [.init("a", at: 0, size: 4), .init("gone", at: 4, size: 4)],
            [.init("new", at: 0, size: 4), .init("a", at: 4, size: 4)], essential: ["a"])
        #expect(plan.row(0, of: [1, 2, 3, 4, 5, 6, 7, 8]) == [0, 0, 0, 0, 1, 2, 3, 4])
        #expect(plan.missing == ["new"])
    }

    @Test func `refuses when an essential member is missing, or is called otherwise`() {
        let renamed = refusal(
            [.init("end", at: 0, size: 4)], [.init("fin_ack", at: 0, size: 4)],
            essential: ["fin_ack"])
        #expect(
            renamed == "row has no member fin_ack in the other version, without which a row is of "
                + "no use")
        let inside = refusal(
            [.init("rewrite.sport", at: 0, size: 2)],
            [.init("rewrite.sport", at: 0, size: 2), .init("rewrite.dport", at: 2, size: 2)],
            essential: ["rewrite"])
        #expect(inside?.contains("rewrite.dport") == true)
    }

    @Test func `widens numbers, with their sign if they have one`() throws {
        let wide: [StructLayout.Member] = [
            .init("a", at: 0, size: 4), .init("b", at: 4, size: 4, .signed),
        ]
        let plan = try plan(
            [.init("a", at: 0, size: 2), .init("b", at: 2, size: 1, .signed)], wide)
        #expect(
            plan.row(0, of: [0xfe, 0xff, 0xfe, 9, 9, 9, 9, 9])
                == [0xfe, 0xff, 0, 0, 0xfe, 0xff, 0xff, 0xff])
        #expect(plan.row(0, of: [1, 0, 0x7e, 9, 9, 9, 9, 9]) == [1, 0, 0, 0, 0x7e, 0, 0, 0])
    }

    @Test func `lets arrays grow, with nothing behind`() throws {
        let plan = try plan(
            [.init("text", at: 1, size: 3, .array)], [.init("text", at: 0, size: 6, .array)])
        #expect(plan.row(0, of: [9, 1, 2, 3, 9, 9, 9, 9]) == [1, 2, 3, 0, 0, 0, 0, 0])
    }

    @Test func `refuses to shrink a member`() {
        #expect(
            refusal([.init("flags", at: 0, size: 4)], [.init("flags", at: 0, size: 2)])
                == "row has a member flags of 4 bytes in the other version and 2 in this one: it "
                + "cannot shrink")
        let text = refusal(
            [.init("text", at: 0, size: 8, .array)], [.init("text", at: 0, size: 4, .array)])
        #expect(text != nil)
    }

    @Test func `narrows the numbers that may be, by their low bytes`() throws {
        let plan = try plan(
            [
                .init("worker", at: 0, size: 2), .init("slot", at: 2, size: 4),
                .init("shift", at: 6, size: 2, .signed),
            ],
            [
                .init("slot", at: 0, size: 2), .init("worker", at: 2, size: 1),
                .init("shift", at: 3, size: 1, .signed),
            ], narrowing: ["worker", "slot", "shift"])
        // The least and the largest that fit.
        #expect(
            plan.row(0, of: [0, 0, 1, 0, 0, 0, 1, 0]) == [1, 0, 0, 1, 0, 0, 0, 0])
        #expect(
            plan.row(0, of: [0xff, 0, 0xff, 0xff, 0, 0, 0x80, 0xff])
                == [0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0])
    }

    @Test func `narrows no other number, nothing that is none, and widens those as well`() throws {
        let wide: [StructLayout.Member] = [
            .init("a", at: 0, size: 4), .init("b", at: 4, size: 4),
        ]
        let one = refusal(
            wide, [.init("a", at: 0, size: 2), .init("b", at: 2, size: 2)], narrowing: ["a"])
        #expect(
            one
                == "row has a member b of 4 bytes in the other version and 2 in this one: it cannot "
                + "shrink")
        for kind in [StructLayout.Kind.array, .opaque] {
            let other = refusal(
                [.init("a", at: 0, size: 4, kind)], [.init("a", at: 0, size: 2, kind)],
                narrowing: ["a"])
            #expect(other?.contains("cannot shrink") == true)
        }
        let signed = refusal(
            [.init("a", at: 0, size: 4)], [.init("a", at: 0, size: 2, .signed)],
            narrowing: ["a"])
        #expect(signed != nil)
        let plan = try plan([.init("a", at: 0, size: 1)], wide, narrowing: ["a"])
        #expect(plan.row(0, of: [7, 9, 9, 9, 9, 9, 9, 9]) == [7, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `refuses to widen what has no byte order of ours`() {
        let wire = refusal(
            [.init("sport", at: 0, size: 2, .opaque)], [.init("sport", at: 0, size: 4, .opaque)])
        #expect(wire?.contains("is no number") == true)
        #expect(
            refusal([.init("a", at: 0, size: 2)], [.init("a", at: 0, size: 4, .array)]) != nil)
    }

    @Test func `knows padding by its name`() throws {
        let plan = try plan(
            [.init("a", at: 0, size: 2), .init("pad", at: 2, size: 6, .array)],
            [.init("a", at: 0, size: 2), .init("pad", at: 2, size: 2, .array)])
        #expect(plan.moves == [.init(from: 0, to: 0, size: 2)])
    }
}

@Suite(.needsKernel) struct `Layouts that the kernel tells` {
    @Test func `are those of the compiler`() throws {
        try TestBench.use { bench in
            let layouts = try bench.datapath.flowLayouts()
            #expect(layouts.key.size == 40)
            #expect(layouts.value.size == 144)
            for (path, offset) in KernelDatapath.flowOffsets {
                #expect(layouts.value[path]?.offset == offset, "\(path)")
            }
            #expect(layouts.value["window_shift"]?.kind == .signed)
            #expect(layouts.value["flags"]?.kind == .unsigned)
            #expect(layouts.key["sport"]?.kind == .opaque)
            #expect(layouts.key["saddr.word"] == .init("saddr.word", at: 0, size: 16, .array))
            let plan = try LayoutPlan(from: layouts.value, to: layouts.value)
            // There is no padding.
            #expect(plan.moves == [.init(from: 0, to: 0, size: 144)])
        }
    }
}
