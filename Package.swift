// swift-tools-version: 6.2
import PackageDescription

// MARTLET_EMBEDDED=1 builds what runs on a device: Embedded Swift, the core without any allocation, no package
// dependencies, no tools and no tests. Without it the package builds as ordinary Swift, with no unsafe flags, so that
// other packages can depend on it.
let embedded = Context.environment["MARTLET_EMBEDDED"] != nil

let common: [SwiftSetting] =
  embedded
  ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])]
  : []
let core: [SwiftSetting] = common + (embedded ? [.unsafeFlags(["-Xfrontend", "-no-allocations"])] : [])

// The device command carries only what it calls; what it links lazily it does not start up with.
let deviceLink: [LinkerSetting] =
  [.linkedLibrary("m")] + (embedded ? [.unsafeFlags(["-Xlinker", "--gc-sections"])] : [])

var products: [Product] = [
  .library(name: "Martlet", targets: ["Martlet"]),
  .executable(name: "martlet", targets: ["MartletCLI"]),
  .executable(name: "martlet-selftest", targets: ["martlet-selftest"]),
]

var targets: [Target] = [
  .target(name: "CMartletKernels"),
  .target(name: "CMartletPlatform"),
  .target(name: "Martlet", dependencies: ["CMartletKernels", "CMartletPlatform"], swiftSettings: core),
  .target(name: "CMartletLinux"),
  .target(name: "MartletDevice", dependencies: ["Martlet", "CMartletLinux"], swiftSettings: common),
  .executableTarget(
    name: "MartletCLI", dependencies: ["MartletDevice"], swiftSettings: common, linkerSettings: deviceLink),
  // Every kernel variant against scalar: in C, so that the same cases run in both builds and under an emulator.
  .target(
    name: "CMartletKernelCases", dependencies: ["CMartletKernels"], path: "Tests/KernelCases",
    cSettings: [.headerSearchPath("../../Sources/CMartletKernels")]),
  .executableTarget(name: "martlet-selftest", dependencies: ["CMartletKernelCases"], path: "Tests/SelfTest"),
]

var dependencies: [Package.Dependency] = []

// Workstation only.
if !embedded {
  dependencies.append(.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"))
  products.append(.library(name: "MartletConvert", targets: ["MartletConvert"]))
  products.append(.executable(name: "martlet-tools", targets: ["MartletToolsCLI"]))
  targets += [
    .systemLibrary(name: "CZlib", path: "Tools/CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "MartletConvert", dependencies: ["Martlet", "CMartletKernels", "CZlib"], path: "Tools/MartletConvert"),
    .executableTarget(
      name: "MartletToolsCLI",
      dependencies: ["MartletConvert", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tools/MartletToolsCLI"),
    .testTarget(name: "MartletConvertTests", dependencies: ["MartletConvert", "Martlet", "CMartletKernels"]),
    .testTarget(name: "CMartletKernelsTests", dependencies: ["CMartletKernels", "CMartletKernelCases"]),
  ]
}

let package = Package(
  name: "martlet", products: products, dependencies: dependencies, targets: targets, cLanguageStandard: .gnu11)
