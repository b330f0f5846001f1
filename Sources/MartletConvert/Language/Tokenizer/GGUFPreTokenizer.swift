import Martlet

/// What llama.cpp's names of pre-tokenizers mean.
struct GGUFPreTokenizer {
  var words: WordPattern
  var normalizer: TextNormalizer = .none
  var ignoresMerges = false
  /// Where the file does not say.
  var addsBeginning = false

  init?(_ name: String) {
    switch name {
    case "default": self.init(words: .plain)
    case "gpt-2", "gpt2", "phi-2", "jina-es", "jina-de", "gigachat", "roberta-bpe", "mpt", "olmo", "jais", "trillion",
      "granite-docling":
      self.init(words: .gpt2)
    case "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1":
      self.init(words: .llama3, ignoresMerges: true, addsBeginning: true)
    case "dbrx", "smaug-bpe": self.init(words: .llama3)
    case "qwen2", "deepseek-r1-qwen": self.init(words: .qwen2, normalizer: .nfc)
    case "stablelm2", "hunyuan": self.init(words: .qwen2)
    case "smollm", "starcoder", "refact", "codeshell": self.init(words: .smollm)
    case "command-r": self.init(words: .smollm, normalizer: .nfc)
    case "deepseek-llm": self.init(words: .deepseekLLM)
    case "deepseek-coder": self.init(words: .deepseekCoder)
    case "tekken": self.init(words: .tekken, ignoresMerges: true, addsBeginning: true)
    default: return nil
    }
  }

  private init(
    words: WordPattern, normalizer: TextNormalizer = .none, ignoresMerges: Bool = false, addsBeginning: Bool = false
  ) {
    self.words = words
    self.normalizer = normalizer
    self.ignoresMerges = ignoresMerges
    self.addsBeginning = addsBeginning
  }

  static let list = "gpt-2, llama-bpe, qwen2, smollm, deepseek-llm, deepseek-coder, tekken, default and their equals"
}
