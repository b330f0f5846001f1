/// What an expression of a chat template evaluates to.
indirect enum JinjaValue: Equatable {
  case undefined
  case none
  case boolean(Bool)
  case integer(Int)
  case string(String)
  case list([JinjaValue])
  case mapping([String: JinjaValue])
  /// `namespace(...)`, shared by reference: the index of its variables in the evaluator.
  case namespace(Int)
  /// `range`, `raise_exception` and the like, by name.
  case function(String)

  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .boolean(let value): value
    case .integer(let value): value != 0
    case .string(let value): !value.isEmpty
    case .list(let values): !values.isEmpty
    case .mapping(let values): !values.isEmpty
    case .namespace, .function: true
    }
  }

  /// As Python's `str` writes it; nil for what no chat template prints.
  var text: String? {
    switch self {
    case .undefined: ""
    case .none: "None"
    case .boolean(let value): value ? "True" : "False"
    case .integer(let value): String(value)
    case .string(let value): value
    case .list, .mapping, .namespace, .function: nil
    }
  }

  static func == (a: JinjaValue, b: JinjaValue) -> Bool {
    switch (a, b) {
    case (.undefined, .undefined), (.none, .none): true
    case (.boolean(let x), .boolean(let y)): x == y
    case (.integer(let x), .integer(let y)): x == y
    case (.string(let x), .string(let y)): x.unicodeScalars.elementsEqual(y.unicodeScalars)
    case (.list(let x), .list(let y)): x == y
    case (.mapping(let x), .mapping(let y)): x == y
    case (.namespace(let x), .namespace(let y)): x == y
    default: false
    }
  }
}

/// Why a template gives no text.
enum JinjaError: Error {
  /// It is not Jinja, or uses something that chat templates do not.
  case unsupported(String)
  /// It called `raise_exception`: it refuses this conversation.
  case raised(String)
  /// It takes too many steps or makes too long a text.
  case tooLong
}
