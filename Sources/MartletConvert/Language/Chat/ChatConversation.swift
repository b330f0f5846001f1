import Foundation
import Martlet

/// One message of a conversation.
public struct ChatMessage: Sendable, Equatable {
  public enum Role: String, Sendable { case system, user, assistant }
  public var role: Role
  public var content: String

  public init(_ role: Role, _ content: String) {
    self.role = role
    self.content = content
  }
}

/// A conversation that waits for an answer: an optional system text, then user and assistant in turn, the user last.
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
    var result: [UInt8] = []
    try withFormat(section, name) { (format, texts) throws(ChatError) in
      var segments = ChatSegments()
      try append(format, texts, to: &segments) { segments in
        for index in 0..<segments.count { result.append(contentsOf: segments[index].bytes) }
        segments.removeAll()
      }
    }
    return result
  }

  /// The prompt's token ids by the code that runs on the device, for as many turns as that reads at once.
  /// - Parameters:
  ///   - section: a section `chat`.
  ///   - tokenizer: a section `tokenizer`.
  public func tokens(
    by section: [UInt8], tokenizer: [UInt8], name: String
  ) throws(ConversionError) -> [Int32] {
    var result: Result<[Int32], ModelError> = .success([])
    try withFormat(section, name) { (format, texts) throws(ChatError) in
      var segments = ChatSegments()
      try append(format, texts, to: &segments) { _ in }
      result = tokenizer.withUnsafeBytes { ChatConversation.encode(segments, format, $0) }
    }
    do throws(ModelError) {
      return try result.get()
    } catch {
      throw .badData("\(name): the tokenizer is damaged (\(error.field))")
    }
  }

  private static func encode(
    _ segments: ChatSegments, _ format: ChatFormat, _ section: UnsafeRawBufferPointer
  ) -> Result<[Int32], ModelError> {
    do throws(ModelError) {
      let tokenizer = try Tokenizer(section)
      var text = [UInt8](repeating: 0, count: segments.byteCount)
      var work = [UInt8](repeating: 0, count: tokenizer.workBytes(textBytes: text.count))
      // At most one token a byte, the spaces that a tokenizer puts in front, and the beginning.
      var ids = [Int32](repeating: 0, count: 3 * text.count + ChatSegments.capacity + 1)
      let count = text.withUnsafeMutableBytes { text in
        work.withUnsafeMutableBytes { work in
          ids.withUnsafeMutableBufferPointer { ids in
            try? format.encode(segments, after: nil, by: tokenizer, text: text, work: work, into: ids)
          }
        }
      }
      guard let count else { throw ModelError(.mismatch, .tokenizer, field: "tokens") }
      return .success(Array(ids.prefix(count)))
    } catch {
      return .failure(error)
    }
  }

  /// All turns and the generation prompt. What the segments point to stays for as long as `texts` does.
  /// - Parameter flush: called behind every message; may empty the segments.
  private func append(
    _ format: ChatFormat, _ texts: ChatTexts, to segments: inout ChatSegments, flush: (inout ChatSegments) -> Void
  ) throws(ChatError) {
    try format.begin(system: texts.system, into: &segments)
    flush(&segments)
    for (index, turn) in turns.enumerated() {
      if turn.role == .user {
        try format.user(
          texts.turns[index], system: texts.system, isFirst: index == 0, isLast: index == turns.count - 1,
          into: &segments)
      } else {
        try format.assistant(texts.turns[index], into: &segments)
      }
      flush(&segments)
    }
    try format.generationPrompt(into: &segments)
    flush(&segments)
  }

  private func withFormat(
    _ section: [UInt8], _ name: String, _ body: (ChatFormat, ChatTexts) throws(ChatError) -> Void
  ) throws(ConversionError) {
    let texts = ChatTexts(self)
    let result: Result<Void, ConversionError> = section.withUnsafeBytes { bytes in
      do throws(ModelError) {
        let format = try ChatFormat(bytes)
        do throws(ChatError) {
          return .success(try body(format, texts))
        } catch {
          return .failure(ConversionError(.badRequest, "the conversation has more turns than are read at once"))
        }
      } catch {
        return .failure(.badData("\(name): the chat format is damaged (\(error.field))"))
      }
    }
    withExtendedLifetime(texts) {}
    try result.get()
  }
}

/// A conversation's texts as bytes that stay where they are.
private final class ChatTexts {
  let system: UnsafeRawBufferPointer?
  let turns: [UnsafeRawBufferPointer]

  init(_ conversation: ChatConversation) {
    func copy(_ text: String) -> UnsafeRawBufferPointer {
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
      bytes.copyBytes(from: text.utf8)
      return UnsafeRawBufferPointer(bytes)
    }
    system = conversation.system.map(copy)
    turns = conversation.turns.map { copy($0.content) }
  }

  deinit {
    system?.deallocate()
    for text in turns { text.deallocate() }
  }
}
