// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Compiles every `bpf/*.bpf.c` with `clang -target bpf` inside `swift build`.
@main
struct CompileBPF: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let bpf = context.package.directoryURL.appending(path: "bpf")
        let files = FileManager.default
        let headers = try ["abi/include", "lib", "programs"].flatMap { folder in
            try files.contentsOfDirectory(
                at: bpf.appending(path: folder), includingPropertiesForKeys: nil
            ).filter { $0.pathExtension == "h" }
        }
        let sources = try files.contentsOfDirectory(at: bpf, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasSuffix(".bpf.c") }
        let clang = try findClang()
        let embed = try context.tool(named: "EmbedBPF").url
        return sources.map { source in
            let name = String(source.lastPathComponent.dropLast(".bpf.c".count))
            let object = context.pluginWorkDirectoryURL.appending(path: "\(name).bpf.o")
            let swift = context.pluginWorkDirectoryURL.appending(path: "\(name).swift")
            return .buildCommand(
                displayName: "Compiling BPF \(name)",
                executable: embed,
                arguments: [clang, object.path, swift.path, name]
                    + flags(bpf: bpf) + ["-c", source.path],
                inputFiles: [source] + headers,
                outputFiles: [swift])
        }
    }

    /// Debian's headers for <asm/types.h> stand in a folder named after the machine.
    private func flags(bpf: URL) -> [String] {
        #if arch(arm64)
            let machine = "aarch64"
        #else
            let machine = "x86_64"
        #endif
        return [
            "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Wextra", "-Werror",
            "-Wno-unused-parameter", "-fno-ident", "-fno-strict-aliasing",
            "-fdebug-prefix-map=\(bpf.deletingLastPathComponent().path)=.",
            "-I", bpf.path, "-I", bpf.appending(path: "abi/include").path,
            "-idirafter", "/usr/include/\(machine)-linux-gnu",
        ]
    }

    /// Debian's first: any clang in PATH may lack the BPF target.
    private func findClang() throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let candidates = ["/usr/bin/clang"] + path.split(separator: ":").map { "\($0)/clang" }
        guard let clang = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw MissingClang()
        }
        return clang
    }
}

struct MissingClang: Error, CustomStringConvertible {
    let description = "clang is needed to compile bpf/*.bpf.c: apt-get install clang"
}
