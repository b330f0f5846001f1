// swift-tools-version: 6.2
import PackageDescription

// MARTLET_EMBEDDED=1 builds what runs on a device: Embedded Swift, the core without any allocation, no package
// dependencies, no tools and no tests. Without it the package builds as ordinary Swift, with no unsafe flags, so that
// other packages can depend on it.
let embedded = Context.environment["MARTLET_EMBEDDED"] != nil

let common: [SwiftSetting] =
  embedded
  ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo", "-Xfrontend", "-function-sections"])]
  : []

// Small matters more than fast here: what has to be fast is in C. The outliner wants no red zone, and sees a whole
// module where that is one object, not one for each file (whose hashes for incremental builds would be linked too).
// All of a function's traps may be one.
let size: [SwiftSetting] = [
  .unsafeFlags(
    ["-Osize", "-Xfrontend", "-mergeable-traps", "-Xllvm", "-enable-machine-outliner=always"]
      + ["-enable-single-module-llvm-emission", "-disable-incremental-llvm-codegen"].flatMap { ["-Xfrontend", $0] }
      + ["-mno-red-zone", "-fno-asynchronous-unwind-tables"].flatMap { ["-Xcc", $0] })
]
let small: [SwiftSetting] = common + (embedded ? size : [])
let core: [SwiftSetting] = small + (embedded ? [.unsafeFlags(["-Xfrontend", "-no-allocations"])] : [])

// A function a section, and the linker drops what nobody calls: code that is never reached must not cost bytes, nor
// pull in arc4random_buf (every enum's synthesized hash refers to it), which would raise the floor to glibc 2.36.
let compact: [CSetting] =
  embedded ? [.unsafeFlags(["-ffunction-sections", "-fdata-sections", "-fno-asynchronous-unwind-tables"])] : []
// Where unrolling pays the kernels say so; the compiler's own guess is for the rests.
let compactKernels = compact + (embedded ? [.unsafeFlags(["-mllvm", "-unroll-runtime=0"])] : [])
// The edge to the device waits for the device.
let compactEdge = compact + (embedded ? [.unsafeFlags(["-Oz"])] : [])
let deviceLink: [LinkerSetting] =
  embedded
  ? [
    .unsafeFlags(
      ["-use-ld=lld"]
        + [
          "--gc-sections", "--as-needed", "--icf=all", "--no-warn-symbol-ordering",
          "--symbol-ordering-file=\(Context.packageDirectory)/Firmware/link-order.txt",
        ].flatMap { ["-Xlinker", $0] })
  ] : []

// Fuzzing sets it: with a canary, something is wrong on purpose that the fuzzer must find.
let planted: [SwiftSetting] = Context.environment["MARTLET_FUZZ"] == "canary" ? [.define("CANARY")] : []

var products: [Product] = [
  .library(name: "Martlet", targets: ["Martlet"]),
  .executable(name: "martlet", targets: ["MartletCLI"]),
  .executable(name: "martlet-allocations", targets: ["martlet-allocations"]),
  .executable(name: "martlet-frames", targets: ["martlet-frames"]),
  .executable(name: "martlet-operators", targets: ["martlet-operators"]),
  .executable(name: "martlet-selftest", targets: ["martlet-selftest"]),
]

var targets: [Target] = [
  .target(name: "CMartletKernels", cSettings: compactKernels),
  .target(name: "CMartletPlatform", cSettings: compact),
  .target(name: "CMartletUnicode", cSettings: compact),
  .target(
    name: "Martlet", dependencies: ["CMartletKernels", "CMartletPlatform", "CMartletUnicode"],
    swiftSettings: core + planted),
  .target(
    name: "CMartletLinux", cSettings: compactEdge,
    linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png"), .linkedLibrary("gpiod"), .linkedLibrary("yaml")]),
  .target(
    name: "MartletDevice", dependencies: ["Martlet", "CMartletLinux", "CMartletKernels", "CMartletPlatform"],
    swiftSettings: small),
  .executableTarget(
    name: "MartletCLI",
    dependencies: ["MartletDevice", "Martlet", "CMartletLinux", "CMartletKernels", "CMartletPlatform"],
    swiftSettings: small, linkerSettings: deviceLink),
  // Cameras that are plugged in and out, and fail on command: for tests.
  .target(name: "CMartletCameraDriver", dependencies: ["CMartletLinux"], path: "Tests/CameraDriver"),
  // Counts allocator calls in a thousand inferences, in both builds.
  .target(name: "CMartletAllocations", path: "Tests/Allocations/Counter"),
  .executableTarget(
    name: "martlet-allocations",
    dependencies: [
      "CMartletAllocations", "CMartletCameraDriver", "Martlet", "MartletDevice", "CMartletKernels", "CMartletLinux",
    ],
    path: "Tests/Allocations/Command", swiftSettings: common, linkerSettings: deviceLink),
  // A camera's frame to a tensor, timed.
  .executableTarget(
    name: "martlet-frames", dependencies: ["MartletDevice", "Martlet", "CMartletLinux", "CMartletPlatform"],
    path: "Tests/Frames", swiftSettings: common, linkerSettings: deviceLink),
  // Random operators through the loader and every kernel, between unreadable pages.
  .target(name: "CMartletOperatorCases", dependencies: ["CMartletKernels"], path: "Tests/OperatorFuzz/Cases"),
  .executableTarget(
    name: "martlet-operators", dependencies: ["CMartletOperatorCases", "CMartletKernels", "Martlet", "MartletDevice"],
    path: "Tests/OperatorFuzz/Command", swiftSettings: common + planted, linkerSettings: deviceLink),
  // Every kernel variant against scalar: in C, so that the same cases run in both builds and under an emulator.
  .target(
    name: "CMartletKernelCases", dependencies: ["CMartletKernels"], path: "Tests/KernelCases",
    cSettings: [.headerSearchPath("../../Sources/CMartletKernels")], linkerSettings: [.linkedLibrary("m")]),
  .executableTarget(
    name: "martlet-selftest", dependencies: ["CMartletKernelCases"], path: "Tests/SelfTest", swiftSettings: common,
    linkerSettings: deviceLink),
]

var dependencies: [Package.Dependency] = []

// Workstation only.
if !embedded {
  dependencies.append(.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"))
  dependencies.append(.package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"))
  products.append(.library(name: "MartletConvert", targets: ["MartletConvert"]))
  products.append(.executable(name: "martlet-tools", targets: ["MartletToolsCLI"]))
  targets += [
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CMartletFloat", dependencies: ["CMartletKernels"]),
    .target(
      name: "MartletConvert",
      dependencies: [
        "MartletDevice", "Martlet", "CMartletKernels", "CMartletFloat", "CZlib",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["ONNX/onnx.proto", "Language/Tokenizer/SentencePiece.proto"]),
    .executableTarget(
      name: "MartletToolsCLI",
      dependencies: ["MartletConvert", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    .testTarget(
      name: "MartletConvertTests",
      dependencies: [
        "MartletConvert", "Martlet", "CMartletKernels", "MartletTestSupport",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    .target(
      name: "MartletTestSupport", dependencies: ["Martlet", "CMartletKernels"], path: "Tests/Support"),
    .testTarget(name: "MartletTests", dependencies: ["Martlet", "CMartletKernels", "MartletTestSupport"]),
    .testTarget(
      name: "MartletDeviceTests",
      dependencies: [
        "MartletDevice", "Martlet", "CMartletKernels", "CMartletLinux", "CMartletPlatform", "CMartletCameraDriver",
      ]),
    .testTarget(name: "CMartletKernelsTests", dependencies: ["CMartletKernels", "CMartletKernelCases"]),
  ]
}

// Coverage-guided fuzzing: only with the sanitizers that Tools/fuzz sets, which also bring libFuzzer.
if Context.environment["MARTLET_FUZZ"] != nil {
  products.append(.executable(name: "martlet-fuzz-configuration", targets: ["martlet-fuzz-configuration"]))
  products.append(.executable(name: "martlet-fuzz-loader", targets: ["martlet-fuzz-loader"]))
  products.append(.executable(name: "martlet-fuzz-importer", targets: ["martlet-fuzz-importer"]))
  products.append(.executable(name: "martlet-fuzz-language", targets: ["martlet-fuzz-language"]))
  products.append(.executable(name: "martlet-fuzz-onnx", targets: ["martlet-fuzz-onnx"]))
  products.append(.executable(name: "martlet-fuzz-pictures", targets: ["martlet-fuzz-pictures"]))
  targets += [
    .target(name: "CMartletFuzz", path: "Tests/Fuzz/Driver"),
    .executableTarget(
      name: "martlet-fuzz-configuration", dependencies: ["MartletDevice", "CMartletFuzz"],
      path: "Tests/Fuzz/Configuration", swiftSettings: planted),
    .executableTarget(
      name: "martlet-fuzz-pictures", dependencies: ["MartletDevice", "Martlet", "CMartletFuzz"],
      path: "Tests/Fuzz/Pictures", swiftSettings: planted),
    .executableTarget(
      name: "martlet-fuzz-loader", dependencies: ["Martlet", "CMartletKernels", "CMartletFuzz", "MartletTestSupport"],
      path: "Tests/Fuzz/Loader", swiftSettings: planted),
    .executableTarget(
      name: "martlet-fuzz-onnx", dependencies: ["MartletConvert", "CMartletFuzz"], path: "Tests/Fuzz/ONNX",
      swiftSettings: planted),
    .executableTarget(
      name: "martlet-fuzz-language", dependencies: ["MartletConvert", "CMartletFuzz"], path: "Tests/Fuzz/Language",
      swiftSettings: planted),
    .executableTarget(
      name: "martlet-fuzz-importer", dependencies: ["MartletConvert", "CMartletFuzz"], path: "Tests/Fuzz/Importer",
      swiftSettings: planted),
  ]
}

let package = Package(
  name: "martlet", products: products, dependencies: dependencies, targets: targets, cLanguageStandard: .gnu11)
