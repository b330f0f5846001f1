/// The version that `martlet --version` prints.
public enum MartletVersion {
  public static let text = "0.1.0"
}
