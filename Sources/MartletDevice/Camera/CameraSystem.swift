import CMartletLinux

/// The calls by which cameras are used: the kernel's, unless a test hands in a driver of its own.
public struct CameraSystem {
  /// One table, which outlives every camera that was opened by it; empty: the kernel.
  let tables: UnsafeBufferPointer<martlet_camera_system>

  public init(_ table: UnsafeBufferPointer<martlet_camera_system>) { tables = table }

  public static var kernel: CameraSystem { CameraSystem(UnsafeBufferPointer(start: nil, count: 0)) }
}
