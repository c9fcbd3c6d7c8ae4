// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Hosts that lack what a development machine has: each is a mount namespace of its own.
    @Suite(.needsBalancer) struct `Bare hosts` {
        /// A command line that runs what follows it, after `preparation`, in a mount namespace.
        private func wrapper(_ preparation: String) -> [String] {
            ["unshare", "-m", "sh", "-ec", preparation + "\nexec \"$@\"", "sh"]
        }

        private static let withoutBPFFS =
            "while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done"

        /// Runs a command where the balancer's mounts are.
        private func beside(
            _ balancer: Balancer, _ line: [String]
        ) async throws -> Command.Output {
            let mounts = "--mount=/proc/\(balancer.command.identifier)/ns/mnt"
            return try await Command.run(["nsenter", mounts, "--"] + line)
        }

        /// Serves a connection, which the `flowdump` of that host lists.
        private func expectService(_ lab: Lab, _ balancer: Balancer) async throws {
            let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
            #expect(answer.text == "kafka1.server.test 10.0.0.10 9093\n", "\(answer)")
            let line = [Checkout.flowdump, "--instance", lab.name, "mode", "spliced"]
            let listing = try await beside(balancer, line + ["-o", "jsonl"])
            #expect(listing.isSuccess, "\(listing)")
            #expect(listing.text.split(separator: "\n").count == 1, "\(listing)")
            #expect(listing.text.contains("kafka1.server.test"), "\(listing)")
        }

        @Test func `without bpffs get it mounted`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(
                    .kafka(.v4), wrapper: wrapper(Self.withoutBPFFS))
                try await expectService(lab, balancer)
                let kind = try await beside(balancer, ["stat", "-f", "-c", "%T", "/sys/fs/bpf"])
                #expect(kind.text == "bpf_fs\n", "\(kind)")
                #expect(try await balancer.stop().status == 0)
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test(arguments: [
            ("32768 60999", "", false), ("15000 60999", "", true),
            ("15000 60999", "14000-20000,20001-32767", false),
            ("15000 60999", "14000-20000,20002-32767", true), ("32768 61000", "", true),
        ])
        func `whose sockets may get ports of ours are warned`(
            range: String, reserved: String, isWarned: Bool
        ) async throws {
            try await withLab { lab in
                let settings = [
                    "net.ipv4.ip_local_reserved_ports=\(reserved)",
                    "net.ipv4.ip_local_port_range=\(range)",
                ]
                let set = try await lab.run(.balancer, ["sysctl", "-q", "-w"] + settings)
                #expect(set.isSuccess, "\(set)")
                _ = try await lab.startBalancer(.kafka(.v4))
                let lines = lab.logged("the kernel may give ports of \"source\" to other sockets")
                #expect(lines == (isWarned ? 1 : 0))
            }
        }

        @Test func `without a place for bpffs are told how to mount it`() async throws {
            try await withLab { lab in
                let file = try lab.write(.kafka(.v4))
                let script = wrapper(Self.withoutBPFFS + "; mount -t tmpfs none /sys/fs")
                let output = try await lab.run(
                    .balancer, script + [Checkout.sluice, "--config", file])
                #expect(output.status == 1 && output.text.isEmpty, "\(output)")
                let sentence = """
                    sluice: cannot mount bpffs at /sys/fs/bpf: No such file or directory (ENOENT). \
                    Mount it with: mount -t bpf bpf /sys/fs/bpf

                    """
                #expect(output.errors == sentence)
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        /// Who may not mount cannot pin: what is left is the relay, and a line that says so.
        @Test func `that forbid to mount bpffs relay`() async throws {
            try await withLab { lab in
                let caps = "--bounding-set=-all,+bpf,+perfmon,+net_admin,+net_raw,+net_bind_service"
                let balancer = try await lab.startBalancer(
                    .kafka(.v4), wrapper: wrapper(Self.withoutBPFFS) + ["setpriv", caps])
                let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                #expect(answer.text == "kafka1.server.test 10.0.0.10 9093\n", "\(answer)")
                let log = try String(contentsOfFile: lab.balancerLog, encoding: .utf8)
                for words in ["every connection is relayed", "mount -t bpf bpf /sys/fs/bpf"] {
                    #expect(log.contains(words), "\(log)")
                }
                #expect(try await balancer.stop().status == 0)
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test func `with bpffs mounted need five capabilities`() async throws {
            try await withLab { lab in
                let caps = "--bounding-set=-all,+bpf,+perfmon,+net_admin,+net_raw,+net_bind_service"
                let balancer = try await lab.startBalancer(
                    .kafka(.v4),
                    wrapper: wrapper("mount -t bpf bpf /sys/fs/bpf") + ["setpriv", caps])
                try await expectService(lab, balancer)
                #expect(try await balancer.stop().status == 0)
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        /// Hides the compiler, the libraries and the tools that the build needs.
        private static let withoutTools = """
            for name in clang llc ld.lld llvm-strip bpftool; do
                for file in $(command -v $name) /usr/bin/$name-[0-9]* /usr/lib/llvm-*/bin/$name; do
                    [ ! -f "$file" ] || mount --bind /dev/null "$(realpath "$file")"
                done
            done
            find /lib /usr/lib /usr/local/lib -name 'libbpf.*' -o -name 'libelf[.-]*' -o -name 'libz.*' |
            while read -r file; do
                [ ! -f "$file" ] || mount --bind /dev/null "$(realpath "$file")"
            done
            [ ! -d /usr/include/bpf ] || mount -t tmpfs none /usr/include/bpf
            """

        @Test func `without clang, bpftool, libbpf and libelf lack nothing`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(
                    .kafka(.v4), wrapper: wrapper(Self.withoutTools))
                for tool in ["clang", "bpftool"] {
                    let attempt = try await beside(balancer, ["sh", "-c", "\(tool) --version"])
                    #expect(!attempt.isSuccess, "\(tool) is not hidden: \(attempt)")
                }
                let libraries = try await beside(
                    balancer, ["sh", "-c", "cat /usr/lib/*/libbpf.* /usr/lib/*/libelf[.-]*"])
                #expect(libraries.text.isEmpty)
                try await expectService(lab, balancer)
                #expect(try await balancer.stop().status == 0)
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test func `find libbpf, libelf and libz inside the executables`() async throws {
            for program in [Checkout.sluice, Checkout.flowdump] {
                let output = try await Command.run(["ldd", program])
                #expect(output.isSuccess && output.text.contains("libc.so"), "\(output)")
                for library in ["libbpf", "libelf", "libz"] {
                    #expect(!output.text.contains(library), "\(program): \(output)")
                }
            }
        }
    }
}
