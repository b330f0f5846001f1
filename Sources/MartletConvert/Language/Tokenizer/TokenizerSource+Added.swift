import Martlet

extension TokenizerSource {
  /// The tokens that other files add to a SentencePiece model: found in a text before SentencePiece sees what is
  /// between them. `normalized` says nothing here: `transformers` looks for all of them in the text as it is.
  ///
  /// Returns whether any is neither a control token nor a piece as before.
  mutating func add(_ settings: TokenizerSettings, to proto: SentencePieceProtoModel) throws(ConversionError) -> Bool {
    var ids: [[UInt8]: Int] = [:]
    for (id, piece) in proto.pieces.enumerated() { ids[[UInt8](piece.piece)] = id }
    let places = try AddedTokenPlaces(
      settings, file: "tokenizer.model", ids: ids, count: tokens.count, text: { [UInt8](proto.pieces[$0].piece) })
    var hasOrdinary = false
    for token in places.known {
      try change(token)
      hasOrdinary = hasOrdinary || tokens[token.id].type == .userDefined && tokens[token.id].isSpecial
    }
    for added in places.new {
      // SentencePiece's mark would be a space in what is searched, which it is not for transformers.
      guard SpaceMark.decode(added.text) == added.text else {
        throw .unsupported(
          "\(added.place): \(added.shown) is no piece of tokenizer.model, but has its U+2581 for spaces")
      }
      tokens.append(
        Token(
          text: added.text, type: added.isSpecial ? .control : .userDefined, flags: added.searchFlags,
          isSearched: false, isSpecial: true))
      hasOrdinary = hasOrdinary || !added.isSpecial
    }
    notes += settings.notes { ids[$0] != nil }
    return hasOrdinary
  }

  /// A piece of the model's that is an added token too.
  private mutating func change(_ added: AddedToken) throws(ConversionError) {
    switch tokens[added.id].type {
    case .unknown, .control:
      // What SentencePiece calls so, no text may spell out, whatever another file calls it.
      tokens[added.id].flags = added.searchFlags
    case .byte:
      throw .unsupported(
        "\(added.place): \(added.shown) is a byte of tokenizer.model, and cannot be a token by its name")
    case .normal, .unused, .userDefined:
      let hasMarks = SpaceMark.decode(added.text) != added.text
      // A run of marks is what the model makes of spaces; a text does not have them.
      if hasMarks && !added.isSpecial { return }
      tokens[added.id].type = added.isSpecial ? .control : .userDefined
      tokens[added.id].flags = added.searchFlags
      tokens[added.id].isSearched = false
      tokens[added.id].isSpecial = true
    }
  }
}

extension AddedToken {
  fileprivate var searchFlags: TokenFlags {
    var flags = flags
    flags.remove(.isNormalized)
    return flags
  }
}
