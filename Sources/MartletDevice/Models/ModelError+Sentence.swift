import Martlet

extension ModelError {
  /// What is wrong, where, and what the person can do, in one line.
  public func sentence(look: ModelFile.Look) -> String {
    switch kind {
    case .tooShort where look == .empty: return "the file is empty"
    case .tooShort, .wrongMagic: return notAModel(look)
    case .wrongVersion where found > expected:
      return "has format version \(found), newer than this program's \(expected); update martlet, or convert the model "
        + "with the martlet-tools that belong to it"
    case .wrongVersion:
      return "has format version \(found), this program reads \(expected); convert the model again with martlet-tools"
    case .wrongLength:
      return "has \(found) bytes where its header says \(expected); it was cut or extended on its way, copy it again"
    case .wrongHash: return placeText + "the bytes are not those that were written; copy the file again"
    case .changed: return "changed while it was being read; replace a model by renaming a new file over it"
    case .noModel:
      return "holds a tokenizer and no model: martlet tokenize can use it; for the rest convert a whole model with "
        + "martlet-tools convert"
    case .arenaTooSmall: return "needs an arena of \(expected) bytes and was given \(found)"
    case .arenaMisaligned: return "the arena does not start at a multiple of 64"
    default: return placeText + fault
    }
  }

  /// What each kind says about its field; `placeText` stands before it.
  private var fault: String {
    let name = fieldText
    switch kind {
    case .missing: return name.isEmpty ? "missing" : name + " is missing"
    case .duplicate: return "is there twice"
    case .outOfBounds: return (name.isEmpty ? "it ends" : name + " end") + " at \(found), past the limit of \(expected)"
    case .overLimit: return name + " is \(found), over the limit of \(expected)"
    case .misaligned: return name + " is \(found), not a multiple of \(expected)"
    case .unknownValue: return name + " has the unknown value \(found)"
    case .mismatch: return name + " is \(found) and should be \(expected)"
    case .outOfRange: return name + " is \(found), outside its range (nearest limit \(expected))"
    case .overlap: return name + ": tensors \(found) and \(expected) may not share memory"
    case .notCascade: return "operator \(expected) \(CascadeFault.text(found))"
    case .notFinite: return name + ": number \(found) is a NaN or an infinity; convert the model again"
    default: return name
    }
  }

  private var fieldText: String {
    field.withUTF8Buffer { String(utf8: UnsafeRawBufferPointer($0)) }
  }

  private var placeText: String {
    switch place {
    case .file: ""
    case .header: "header: "
    case .sectionTable: "section table: "
    case .section: "section \(SectionKind.name(UInt32(truncatingIfNeeded: index))): "
    case .manifest: "manifest: "
    case .input: "input \(index): "
    case .output: "output \(index): "
    case .tensor: "tensor \(index): "
    case .operator: "operator \(index) (\(Opcode.name(opcode))): "
    case .plan: "memory plan: "
    case .labels: "labels: "
    case .pixels: "pixel table: "
    case .arena: "arena: "
    case .language: index < 0 ? "language model: " : "language model, tensor \(index): "
    case .tokenizer: "tokenizer: "
    case .chat: "chat format: "
    case .cascade: "cascade \(index): "
    }
  }

  private func notAModel(_ look: ModelFile.Look) -> String {
    switch look {
    case .tensorFlowLite:
      "is a TensorFlow Lite model; convert it first: martlet-tools convert IN.tflite -o OUT.martlet"
    case .onnx: "is an ONNX model, not a .martlet model"
    case .text: "is a text file, not a .martlet model"
    case .empty: "the file is empty"
    case .unknown:
      kind == .tooShort
        ? "is cut short: \(found) bytes are less than a header"
        : "is not a .martlet model; martlet-tools convert makes one"
    }
  }
}

extension CascadeFault {
  /// Behind the operator that it is about.
  static func text(_ raw: Int64) -> String {
    switch UInt8(exactly: raw).flatMap({ CascadeFault(rawValue: $0) }) {
    case .kind: "is of a kind that is not cut into rows"
    case .shape: "does not go from picture to picture"
    case .window: "has an output row that reads nothing but padding"
    case .limit: "has one stage or strip too many for a cascade"
    case .strip: "is read in strips of different heights"
    case .order: "is not read, or writes what was read before"
    case .ring: "has a ring that is too low, or not a multiple of its strip"
    case nil: String(raw)
    }
  }
}

extension SectionKind {
  /// For messages.
  static func name(_ raw: UInt32) -> String {
    switch SectionKind(rawValue: raw) {
    case .manifest: "manifest"
    case .tensors: "tensors"
    case .operators: "operators"
    case .plan: "plan"
    case .weights: "weights"
    case .names: "names"
    case .labels: "labels"
    case .pixels: "pixels"
    case .provenance: "provenance"
    case .tokenizer: "tokenizer"
    case .chat: "chat"
    case .cascades: "cascades"
    case .signature: "signature"
    case .language: "language"
    case nil: String(raw)
    }
  }
}

extension Opcode {
  /// The operator's name as the field spells it.
  public static func name(_ raw: UInt16) -> String {
    Opcode(code: raw).map { String(cString: $0.row.name) } ?? String(raw)
  }
}

extension ElementType {
  /// "int8", "float32", ...
  public static func name(_ raw: UInt32) -> String {
    switch UInt8(exactly: raw).flatMap({ ElementType(rawValue: $0) }) {
    case .int8: "int8"
    case .uint8: "uint8"
    case .int32: "int32"
    case .int64: "int64"
    case .float32: "float32"
    case nil: String(raw)
    }
  }
}
