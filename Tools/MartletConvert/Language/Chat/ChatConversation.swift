import Foundation
import Martlet

/// One message of a talk.
public struct ChatMessage: Sendable, Equatable {
  public enum Role: String, Sendable { case system, user, assistant }
  public var role: Role
  public var content: String

  public init(_ role: Role, _ content: String) {
    self.role = role
    self.content = content
  }
}

/// A talk that waits for an answer: an optional system text, then user and assistant in turn, the user last.
public struct ChatConversation: Sendable, Equatable {
  public static let maxMessages = 1 << 10
  public let system: String?
  public let turns: [ChatMessage]

  public init(_ messages: [ChatMessage]) throws(ConversionError) {
    let rest = messages.first?.role == .system ? Array(messages.dropFirst()) : messages
    guard rest.count <= ChatConversation.maxMessages else {
      throw ConversionError(.badRequest, "the conversation has more than \(ChatConversation.maxMessages) messages")
    }
    for (index, message) in rest.enumerated() where message.role != (index % 2 == 0 ? .user : .assistant) {
      throw ConversionError(
        .badRequest,
        "message \(index + 1) after the system text is of '\(message.role.rawValue)': user and assistant take turns")
    }
    guard rest.count % 2 == 1 else {
      throw ConversionError(.badRequest, "the conversation's last message is not the user's")
    }
    system = messages.first?.role == .system ? messages[0].content : nil
    turns = rest
  }

  /// From JSON: a list of `{"role": ..., "content": ...}`, or an object whose `messages` is one.
  public init(json: [UInt8], name: String) throws(ConversionError) {
    let parsed = try? JSONSerialization.jsonObject(with: Data(json))
    guard let list = (parsed as? [String: Any])?["messages"] as? [Any] ?? parsed as? [Any] else {
      throw ConversionError(.badRequest, "\(name): no JSON list of messages")
    }
    var messages: [ChatMessage] = []
    for (index, item) in list.enumerated() {
      guard let item = item as? [String: Any], let role = (item["role"] as? String).flatMap(ChatMessage.Role.init),
        let content = item["content"] as? String
      else {
        throw ConversionError(
          .badRequest, "\(name): message \(index): wants \"role\" (system, user, assistant) and \"content\", both text")
      }
      messages.append(ChatMessage(role, content))
    }
    try self.init(messages)
  }
}

extension ChatConversation {
  /// The prompt by the code that runs on the device, generation prompt included, beginning-of-sequence token left out.
  /// - Parameter section: a section `chat`.
  public func rendered(by section: [UInt8], name: String) throws(ConversionError) -> [UInt8] {
    let result: Result<[UInt8], ConversionError> = section.withUnsafeBytes { bytes in
      do throws(ModelError) {
        let format = try ChatFormat(bytes)
        return ChatConversation.withBytes(of: system) { system in render(format, system: system) }
      } catch {
        return .failure(.badData("\(name): the chat format is damaged (\(error.field))"))
      }
    }
    return try result.get()
  }

  private func render(_ format: ChatFormat, system: UnsafeRawBufferPointer?) -> Result<[UInt8], ConversionError> {
    var result: [UInt8] = []
    do throws(ChatError) {
      var segments = ChatSegments()
      try format.begin(system: system, into: &segments)
      ChatConversation.flush(&segments, to: &result)
      for (index, turn) in turns.enumerated() {
        try ChatConversation.withBytes(of: turn.content) { text throws(ChatError) in
          guard let text else { return }
          if turn.role == .user {
            let isLast = index == turns.count - 1
            try format.user(text, system: system, isFirst: index == 0, isLast: isLast, into: &segments)
          } else {
            try format.assistant(text, into: &segments)
          }
          ChatConversation.flush(&segments, to: &result)
        }
      }
      try format.generationPrompt(into: &segments)
      ChatConversation.flush(&segments, to: &result)
    } catch {
      return .failure(ConversionError(.badRequest, "the conversation does not fit"))
    }
    return .success(result)
  }

  /// Appends the segments' bytes while what they point to is still there.
  private static func flush(_ segments: inout ChatSegments, to result: inout [UInt8]) {
    for index in 0..<segments.count { result.append(contentsOf: segments[index].bytes) }
    segments.removeAll()
  }

  private static func withBytes<R, E: Error>(
    of text: String?, _ body: (UnsafeRawBufferPointer?) throws(E) -> R
  ) throws(E) -> R {
    guard let text else { return try body(nil) }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: text.utf8)
    return try body(UnsafeRawBufferPointer(copy))
  }
}
