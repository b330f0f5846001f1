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
]

var targets: [Target] = [
  .target(name: "CMartletKernels"),
  .target(name: "CMartletPlatform"),
  .target(name: "Martlet", dependencies: ["CMartletKernels", "CMartletPlatform"], swiftSettings: core),
  .target(name: "CMartletLinux", linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png")]),
  .target(name: "MartletDevice", dependencies: ["Martlet", "CMartletLinux"], swiftSettings: common),
  .executableTarget(
    name: "MartletCLI", dependencies: ["MartletDevice"], swiftSettings: common, linkerSettings: deviceLink),
]

let package = Package(name: "martlet", products: products, dependencies: [], targets: targets, cLanguageStandard: .gnu11)
