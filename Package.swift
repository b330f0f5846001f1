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
let core: [SwiftSetting] = common + (embedded ? [.unsafeFlags(["-Xfrontend", "-no-allocations"])] : [])

// A function a section, and the linker drops what nobody calls: code that is never reached must not cost bytes, nor pull
// in arc4random_buf (every enum's synthesized hash refers to it), which would raise the floor to glibc 2.36.
let compact: [CSetting] = embedded ? [.unsafeFlags(["-ffunction-sections", "-fdata-sections"])] : []
let deviceLink: [LinkerSetting] =
  [.linkedLibrary("m")] + (embedded ? [.unsafeFlags(["-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--as-needed"])] : [])

var products: [Product] = [
  .library(name: "Martlet", targets: ["Martlet"]),
  .executable(name: "martlet", targets: ["MartletCLI"]),
]

var targets: [Target] = [
  .target(name: "CMartletKernels", cSettings: compact),
  .target(name: "CMartletPlatform", cSettings: compact),
  .target(name: "Martlet", dependencies: ["CMartletKernels", "CMartletPlatform"], swiftSettings: core),
  .target(name: "CMartletLinux", cSettings: compact),
  .target(
    name: "MartletDevice", dependencies: ["Martlet", "CMartletLinux", "CMartletKernels", "CMartletPlatform"],
    swiftSettings: common),
  .executableTarget(
    name: "MartletCLI", dependencies: ["MartletDevice", "Martlet", "CMartletLinux", "CMartletKernels", "CMartletPlatform"],
    swiftSettings: common, linkerSettings: deviceLink),
]

let package = Package(name: "martlet", products: products, dependencies: [], targets: targets, cLanguageStandard: .gnu11)
