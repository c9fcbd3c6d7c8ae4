// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// Shared by every Swift target of ours: the strictest that the compiler offers.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// For what runs a million times in tests, which are debug builds.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"])]

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil,
    exclude: [String] = [], plugins: [Target.PluginUsage] = [], extra: [SwiftSetting] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: path, exclude: exclude,
        swiftSettings: settings + extra, plugins: plugins)
}

func program(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target
{
    .executableTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [],
    extra: [SwiftSetting] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, resources: resources,
        swiftSettings: settings + extra)
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluice", targets: ["sluice"]),
        .executable(name: "flowdump", targets: ["flowdump"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // What both worlds share, and what C must do.
        .target(name: "CDatapathABI", path: "bpf/abi"),
        .target(
            name: "CLibBPF",
            linkerSettings: [
                // Static, so that the executables run where no libbpf is installed.
                .linkedLibrary(":libbpf.a"), .linkedLibrary(":libelf.a"), .linkedLibrary(":libz.a"),
            ]),

        // Pure: no Foundation, no I/O, no clock.
        library("WireTypes"),
        library("TLSClassifier", ["WireTypes"]),
        library("Balancing", ["WireTypes", "TLSClassifier"]),
        library("HealthChecking", ["WireTypes", "TLSClassifier", "Balancing"]),

        // Where tests make a debug build die; nothing in release builds.
        library("CrashPoints"),

        // The kernel.
        library("KernelBPF", ["CLibBPF"]),
        .target(name: "CKernelSockets"),
        library("KernelSockets", ["WireTypes", "CLibBPF", "CKernelSockets", "CrashPoints"]),
        library(
            "Datapath", ["KernelBPF", "CDatapathABI", "WireTypes", "CrashPoints"],
            plugins: ["CompileBPF"]),

        // What the daemon is made of.
        library("Settings", ["WireTypes", "TLSClassifier", "Balancing", yams]),
        .target(name: "CNameResolver"),
        library("NameResolving", ["WireTypes", "CNameResolver"]),
        library("HealthProbing", ["WireTypes", "Balancing", "HealthChecking", "KernelSockets"]),
        library(
            "ConnectionLogging",
            ["WireTypes", "TLSClassifier", "Datapath", "KernelSockets", logging]),
        library(
            "Relaying",
            [
                "WireTypes", "TLSClassifier", "Balancing", "Datapath", "KernelSockets",
                "CrashPoints", logging,
            ]),
        library(
            "Splicing",
            [
                "WireTypes", "TLSClassifier", "Balancing", "HealthChecking", "KernelBPF",
                "Datapath", "KernelSockets", "ConnectionLogging", "CrashPoints", logging,
            ]),
        library("FlowReport", ["Datapath", "WireTypes"], exclude: ["flows.schema.json"]),

        program(
            "sluice",
            [
                "WireTypes", "TLSClassifier", "Balancing", "HealthChecking", "HealthProbing",
                "KernelBPF", "NameResolving", "Settings", "Splicing", "Relaying", "Datapath",
                "KernelSockets", "ConnectionLogging", "CrashPoints", argumentParser, logging,
            ]),
        program(
            "flowdump",
            [
                "FlowReport", "Datapath", "KernelBPF", "KernelSockets", "Splicing", "WireTypes",
                argumentParser,
            ],
            exclude: ["flowdump.1"]),

        // The build of bpf/: clang -target bpf, the object embedded as text.
        .executableTarget(name: "EmbedBPF", path: "bpf/plugin/EmbedBPF", swiftSettings: settings),
        .plugin(
            name: "CompileBPF", capability: .buildTool(), dependencies: ["EmbedBPF"],
            path: "bpf/plugin/CompileBPF"),

        tests("WireTypesTests", ["WireTypes"]),
        tests(
            "TLSClassifierTests", ["TLSClassifier", "WireTypes"], resources: [.copy("Captures")]),
        tests("BalancingTests", ["Balancing", "TLSClassifier", "WireTypes"]),
        tests(
            "HealthCheckingTests", ["HealthChecking", "Balancing", "TLSClassifier", "WireTypes"]),
        tests(
            "HealthProbingTests",
            ["HealthProbing", "HealthChecking", "Balancing", "KernelSockets", "WireTypes"]),
        tests(
            "ConnectionLoggingTests",
            [
                "ConnectionLogging", "Datapath", "KernelSockets", "TLSClassifier", "WireTypes",
                logging,
            ]),
        tests("NameResolvingTests", ["NameResolving", "WireTypes"]),
        tests("KernelSocketsTests", ["KernelSockets"], resources: [.copy("Captures")]),
        tests("SettingsTests", ["Settings", "Balancing", "TLSClassifier", "WireTypes", yams]),
        tests(
            "FlowReportTests",
            [
                "FlowReport", "flowdump", "Datapath", "KernelBPF", "WireTypes", argumentParser,
            ]),
        tests(
            "RelayingTests",
            ["Relaying", "KernelSockets", "TLSClassifier", "Datapath", "WireTypes", logging]),
        tests(
            "SplicingTests",
            [
                "Splicing", "Balancing", "ConnectionLogging", "HealthChecking", "Datapath",
                "KernelSockets", "TLSClassifier", "WireTypes",
            ]),
        .target(name: "CNetworkNamespace"),
        library("DatapathTesting", ["Datapath", "KernelBPF", "WireTypes", "CNetworkNamespace"]),
        // What a packet costs among many flows, for bench/run.
        .executableTarget(
            name: "packetcost",
            dependencies: ["Datapath", "DatapathTesting", "KernelBPF", "WireTypes"],
            path: "bench/packetcost", swiftSettings: settings),
        tests(
            "DatapathTests",
            ["Balancing", "Datapath", "DatapathTesting", "KernelBPF", "WireTypes"]),
        // The datapath a second time, in Swift, and the comparison of both, packet by packet.
        library("DatapathModel", extra: optimised),
        tests(
            "DatapathModelTests",
            [
                "DatapathModel", "DatapathTesting", "Datapath", "CDatapathABI", "KernelBPF",
                "CLibBPF", "WireTypes",
            ], extra: optimised),
        // Captures of both wires of a balancer, compared.
        .systemLibrary(name: "CPcap", providers: [.apt(["libpcap-dev"])]),
        library("WireChecking", ["CPcap", "WireTypes"]),
        tests("WireCheckingTests", ["WireChecking", "DatapathTesting", "WireTypes"]),
        tests("EndToEndTests", ["CrashPoints", "WireChecking", "WireTypes"]),
    ]
)
