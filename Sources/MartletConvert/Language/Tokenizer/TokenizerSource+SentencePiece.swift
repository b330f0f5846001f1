import Foundation
import Martlet
import SwiftProtobuf

extension TokenizerSource {
  /// A SentencePiece model, `tokenizer.model`.
  ///
  /// - Parameter settings: of the files beside it: further tokens, the names of BOS and EOS, and whether a text begins
  ///   with BOS, which the model leaves open.
  public init(sentencePiece model: [UInt8], settings: TokenizerSettings) throws(ConversionError) {
    let proto: SentencePieceProtoModel
    do {
      var options = BinaryDecodingOptions()
      options.discardUnknownFields = true
      proto = try SentencePieceProtoModel(serializedBytes: model, options: options)
    } catch {
      throw .badData("tokenizer.model is no SentencePiece model")
    }
    switch proto.trainerSpec.modelType {
    case 1: self.init(model: .unigram)
    case 2: self.init(model: .scored)
    default:
      throw .unsupported(
        "tokenizer.model: model type \(proto.trainerSpec.modelType) is not supported; "
          + "unigram (1) and BPE (2) are")
    }
    try readPieces(proto)
    try readNormalizer(proto)
    let hasOrdinary = try add(settings, to: proto)
    try readIDs(proto.trainerSpec, settings)
    // As with transformers, a text begins anew behind each added token; SentencePiece's own pieces do not divide it.
    if hasOrdinary, flags.contains(.prefixesAfterControl) { flags.insert(.prefixesAfterUserDefined) }
  }

  private mutating func readPieces(_ proto: SentencePieceProtoModel) throws(ConversionError) {
    let count = proto.pieces.count
    guard count > 0, count <= TokenizerFormat.maxTokens else {
      throw .badData("tokenizer.model has \(count) pieces, not 1 to \(TokenizerFormat.maxTokens)")
    }
    tokens.reserveCapacity(count)
    for (id, piece) in proto.pieces.enumerated() {
      guard let type = UInt8(exactly: piece.type).flatMap(TokenType.init(rawValue:)) else {
        throw .badData("tokenizer.model: piece \(id) has the type \(piece.type)")
      }
      tokens.append(try token(id, [UInt8](piece.piece), type, score: piece.score))
    }
    if model == .unigram { setUnknownScore() }
  }

  private func token(
    _ id: Int, _ text: [UInt8], _ type: TokenType, score: Float
  ) throws(ConversionError) -> Token {
    switch type {
    case .normal:
      return Token(
        text: SpaceMark.decode(text), type: type, score: score, isSearched: !text.isEmpty && !text.contains(0x20))
    case .byte:
      guard let byte = SpaceMark.byte(text) else {
        throw .badData(
          "tokenizer.model: piece \(id) is a byte with the text "
            + "\"\(printable(String(decoding: text, as: UTF8.self)))\"")
      }
      return Token(text: [byte], type: type, score: score, isSearched: false)
    case .userDefined:
      let decoded = SpaceMark.decode(text)
      // A piece with a real space is found in no normalized text.
      let isFound = !text.isEmpty && !text.contains(0x20)
      guard model == .unigram else {
        return Token(text: decoded, type: type, flags: .isNormalized, isSearched: false, isSpecial: isFound)
      }
      return Token(text: decoded, type: type, score: score, isSearched: isFound)
    case .control, .unknown: return Token(text: text, type: type, score: score, isSearched: false, isSpecial: true)
    case .unused: return Token(text: SpaceMark.decode(text), type: type, score: score, isSearched: false)
    }
  }

  private mutating func readNormalizer(_ proto: SentencePieceProtoModel) throws(ConversionError) {
    let normalizer = proto.normalizerSpec
    guard normalizer.precompiledCharsmap.isEmpty else {
      throw .unsupported("tokenizer.model: the normalizer \(printable(normalizer.name)) is not supported; identity is")
    }
    guard normalizer.escapeWhitespaces, !proto.trainerSpec.treatWhitespaceAsSuffix else {
      throw .unsupported("tokenizer.model: white space that is not U+2581 at the beginning of words is not supported")
    }
    flags.insert(.readsSpaceMark | .fusesUnknown)
    if proto.trainerSpec.byteFallback { flags.insert(.fallsBackToBytes) }
    if normalizer.addDummyPrefix { flags.insert(.prefixesStart) }
    if normalizer.removeExtraWhitespaces { flags.insert(.collapsesSpaces) }
  }

  private mutating func readIDs(
    _ trainer: SentencePieceProtoTrainer, _ settings: TokenizerSettings
  ) throws(ConversionError) {
    func id(_ value: Int32) -> Int? { tokens.indices.contains(Int(value)) ? Int(value) : nil }
    // The types decide; the numbers are from training, and files that were edited later do not always keep to them.
    unknown = tokens.firstIndex { $0.type == .unknown } ?? id(trainer.unkID)
    // The classes of Llama, Mistral and Gemma in `transformers` begin texts with BOS unless told otherwise.
    let adds = settings.flag("add_bos_token") ?? true
    beginning = adds ? try self.id(of: "bos_token", settings) : nil
    beginning = beginning ?? id(trainer.bosID)
    if adds, beginning != nil { flags.insert(.addsBeginning) }
    // First that of the configuration: a chat template means it by eos_token.
    if let end = try self.id(of: "eos_token", settings) { addEnd(end) }
    if let end = id(trainer.eosID) { addEnd(end) }
    addKnownEnds()
    if flags.contains(.prefixesStart), settings.flag("legacy") ?? true { flags.insert(.prefixesAfterControl) }
  }
}
