// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelBPF
import Testing

@Suite(.needsKernel) struct `An object that the verifier refuses` {
    private static let beginning = """
        #include <linux/bpf.h>
        #include <bpf/bpf_helpers.h>

        char our_license[] SEC("license") = "GPL";

        SEC("tc") int sound(struct __sk_buff *skb) { return skb->len != 0; }

        """

    /// Compiles C to a BPF object, as the build does.
    private func compile(_ program: String) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = folder.appending(path: "broken.bpf.c")
        try Data((Self.beginning + program).utf8).write(to: source)
        let clang = Process()
        clang.executableURL = URL(filePath: "/usr/bin/env")
        // The kernel's own headers have a folder for each machine.
        clang.arguments = [
            "sh", "-c", "exec clang -target bpf -O2 -g -c -I/usr/include/$(uname -m)-linux-gnu $0",
            source.path,
        ]
        clang.currentDirectoryURL = folder
        try clang.run()
        clang.waitUntilExit()
        try #require(clang.terminationStatus == 0)
        return [UInt8](try Data(contentsOf: folder.appending(path: "broken.bpf.o")))
    }

    /// The error of loading it.
    private func refusal(of bytes: [UInt8]) throws -> BPFError {
        let object = try BPFObject(bytes.span, name: "broken")
        do throws(BPFError) {
            try object.load()
        } catch {
            return error
        }
        throw BPFError("the kernel took the broken object")
    }

    /// One sentence, then at most a dozen lines, the reason among the last four.
    private func expect(_ error: BPFError, says reason: String) {
        let lines = error.description.split(separator: "\n")
        #expect(lines.first?.hasPrefix("cannot load the BPF object into the kernel: ") == true)
        #expect(lines.dropFirst().first == "The verifier's last lines:")
        #expect((4...14).contains(lines.count), "\(error)")
        #expect(lines.suffix(4).contains { $0.contains(reason) }, "\(error)")
    }

    @Test func `tells where it reads beyond a packet, with the line of C`() throws {
        let error = try refusal(
            of: compile(
                """
                SEC("tc") int broken(struct __sk_buff *skb)
                {
                    return *(char *)(long)skb->data;
                }
                """))
        #expect(error.errno == EACCES)
        expect(error, says: "invalid access to packet")
        #expect(error.description.contains("; return *(char *)(long)skb->data;"), "\(error)")
    }

    @Test func `tells of a loop without an end`() throws {
        let error = try refusal(
            of: compile(
                """
                SEC("tc") int broken(struct __sk_buff *skb)
                {
                    volatile int more = 1;
                    while (more) more = skb->len | 1;
                    return 0;
                }
                """))
        #expect(error.errno == EINVAL)
        expect(error, says: "infinite loop detected")
    }

    @Test func `tells of a lookup that nobody checked`() throws {
        let error = try refusal(
            of: compile(
                """
                struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1);
                         __type(key, int); __type(value, int); } numbers SEC(".maps");
                SEC("tc") int broken(struct __sk_buff *skb)
                {
                    int key = 0;
                    return *(int *)bpf_map_lookup_elem(&numbers, &key);
                }
                """))
        #expect(error.errno == EACCES)
        expect(error, says: "invalid mem access 'map_value_or_null'")
    }

    @Test func `is taken without the refused program`() throws {
        let bytes = try compile(
            "SEC(\"tc\") int broken(struct __sk_buff *skb) { return *(char *)(long)skb->data; }")
        let object = try BPFObject(bytes.span, name: "broken")
        try object.omit(program: "broken")
        try object.load()
        #expect(try object.program("sound").name == "sound")
    }

    @Test(arguments: [[], [0x7f, 0x45, 0x4c, 0x46], [UInt8](repeating: 7, count: 4096)])
    func `is told from what is no object at all`(bytes: [UInt8]) {
        let error = #expect(throws: BPFError.self) {
            _ = try BPFObject(bytes.span, name: "noise")
        }
        #expect(error?.what == "cannot open BPF object noise")
        #expect(error?.errno != 0)
    }
}
