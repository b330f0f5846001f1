/// All that sets a family of decoder-only transformers apart. What a row leaves out is as in most of them.
struct LanguageTraits: Sendable {
  var activation = LanguageConfiguration.Activation.silu
  /// Norms after attention and after feed-forward too, before the residual addition.
  var hasPostNorms = false
  /// Each head of queries and keys is normalized before it is turned.
  var hasQueryKeyNorm = false
  /// An embedding row is multiplied by the square root of its length.
  var scalesEmbedding = false
  var attentionCap = SoftCap.never
  var outputCap = SoftCap.never
  /// Layers with a window, of a model that has one and does not list them.
  var windows = Windows.all
  /// Layers with a window turn by a theta of their own, without scaling: this one, where the model states none.
  var localTheta: Float?
  var huggingFace: HuggingFace
  var gguf: GGUF

  /// Scores, or logits, become cap * tanh(score / cap).
  enum SoftCap: Sendable {
    /// A GGUF file that states one is refused; transformers does not look.
    case never
    case stated(otherwise: Float?)
  }

  enum Windows: Sendable {
    case all
    /// From a layer on that the folder states.
    case from(key: String, otherwise: Int)
    /// All but the last of every so many; `key`: where the folder may state another number.
    case allButLast(of: Int, key: String?)
  }

  /// Where config.json and the folder's tensors differ from those of other families.
  struct HuggingFace: Sendable {
    var names: [Name]
    /// Positions, as all that follows where config.json does not say.
    var contextLength: Int
    /// Nil: it must say.
    var vocabularySize: Int?
    /// Nil: it must say.
    var headCount: Int?
    var keyValueHeads = KeyValueHeads.required
    /// Nil: the hidden size is shared evenly.
    var headSize: Int?
    /// `query_pre_attn_scalar`, in the place of the head size under q.k's root; nil: the key is not read.
    var attentionScalar: Float?
    var isTied = false
    var hasQueryKeyValueBias = false
    /// The norms' weights are what they multiply by, less 1.
    var addsOneToNorms = false
    var activationKey = "hidden_act"
    /// What `activation` is called there; where the key is absent, it is meant as well.
    var activationNames = ["silu"]
    var ropeTheta: Float = 10_000
    /// Positions; nil: there are no windows, whatever config.json says.
    var windowSize: Int? = 4096
    /// A key without which there are none.
    var windowSwitch: String?
    /// Whether `layer_types` says which layers have one, if it is there.
    var readsLayerTypes = true
    /// Keys that are refused in others, and say nothing in this one.
    var unheeded: Set<String> = []
    /// Where they are other than `HuggingFaceNames` has them.
    var tensorNames: [LayerTensor: String] = [:]

    /// What a folder calls its model.
    struct Name: Sendable {
      var modelType: String
      var architecture: String
      /// What tells the tensors of a vision model beside it, where this is the text part of both, `text_config`.
      var otherTensors: [String] = []

      var isPart: Bool { !otherTensors.isEmpty }
    }

    enum KeyValueHeads: Sendable {
      /// config.json must have the key; null there means as many as heads. The class's default suits no model.
      case required
      case asHeads
      case count(Int)
    }
  }

  /// Where llama.cpp's metadata differ from those of other families.
  struct GGUF: Sendable {
    var architecture: String
    /// llama.cpp turns neighbours, so that its converter has permuted the rows of queries and keys.
    var isInterleaved = false
    /// The tensor `rope_freqs.weight` divides the frequencies, if it is there.
    var hasRotaryFactors = false
    /// Positions, where the file does not say; nil: no windows.
    var windowSize: Int?
    /// GGUF does not hold `query_pre_attn_scalar`; llama.cpp knows a model whose scalar is its hidden size shared among
    /// its heads by this number of layers.
    var layersOfWideScale: Int?
    /// Keys that llama.cpp does not heed here.
    var refused: [String] = []
  }
}

extension LanguageTraits {
  func embeddingScale(_ hiddenSize: Int) -> Float { scalesEmbedding ? Float(Double(hiddenSize).squareRoot()) : 1 }
}
