/// The families of decoder-only transformers that are run.
///
/// One value of each, `traits`, says all that sets it apart; the importers ask that value and never for a family. A new
/// one is a case here, its row below, and a model that transformers computed in Tests/Fixtures.
public enum LanguageFamily: String, Sendable, CaseIterable {
  case llama, mistral, qwen2, qwen3, gemma2, gemma3

  var traits: LanguageTraits {
    switch self {
    case .llama:
      LanguageTraits(
        huggingFace: .init(
          names: [.init(modelType: "llama", architecture: "LlamaForCausalLM")], contextLength: 2048,
          keyValueHeads: .asHeads, windowSize: nil),
        gguf: .init(architecture: "llama", isInterleaved: true, hasRotaryFactors: true))
    case .mistral:
      LanguageTraits(
        huggingFace: .init(
          names: [.init(modelType: "mistral", architecture: "MistralForCausalLM")], contextLength: 131_072,
          readsLayerTypes: false, unheeded: ["attention_bias"]),
        // Mistral's first models are of the architecture "llama" there.
        gguf: .init(architecture: "mistral3", isInterleaved: true, hasRotaryFactors: true))
    case .qwen2:
      LanguageTraits(
        windows: .from(key: "max_window_layers", otherwise: 28),
        huggingFace: .init(
          names: [.init(modelType: "qwen2", architecture: "Qwen2ForCausalLM")], contextLength: 32768,
          hasQueryKeyValueBias: true, windowSwitch: "use_sliding_window", unheeded: ["attention_bias"]),
        gguf: .init(architecture: "qwen2"))
    case .qwen3:
      LanguageTraits(
        hasQueryKeyNorm: true, windows: .from(key: "max_window_layers", otherwise: 28),
        huggingFace: .init(
          names: [.init(modelType: "qwen3", architecture: "Qwen3ForCausalLM")], contextLength: 32768, headSize: 128,
          windowSwitch: "use_sliding_window"),
        gguf: .init(architecture: "qwen3"))
    case .gemma2:
      LanguageTraits(
        activation: .geluTanh, hasPostNorms: true, scalesEmbedding: true, attentionCap: .stated(otherwise: 50),
        outputCap: .stated(otherwise: 30), windows: .allButLast(of: 2, key: nil),
        huggingFace: .gemma(
          names: [.init(modelType: "gemma2", architecture: "Gemma2ForCausalLM")], contextLength: 8192,
          vocabularySize: 256_000),
        gguf: .init(architecture: "gemma2", windowSize: 4096, layersOfWideScale: 46))
    case .gemma3:
      LanguageTraits(
        activation: .geluTanh, hasPostNorms: true, hasQueryKeyNorm: true, scalesEmbedding: true,
        attentionCap: .stated(otherwise: nil), outputCap: .stated(otherwise: nil),
        windows: .allButLast(of: 6, key: "sliding_window_pattern"), localTheta: 10_000,
        huggingFace: .gemma(
          names: [
            .init(modelType: "gemma3_text", architecture: "Gemma3ForCausalLM"),
            .init(
              modelType: "gemma3", architecture: "Gemma3ForConditionalGeneration",
              otherTensors: ["vision_tower.", "multi_modal_projector."]),
          ], contextLength: 131_072, vocabularySize: 262_208, ropeTheta: 1_000_000),
        // llama.cpp does not read the cap that transformers does.
        gguf: .init(architecture: "gemma3", layersOfWideScale: 62, refused: ["attn_logit_softcapping"]))
    }
  }
}

extension LanguageTraits.HuggingFace {
  /// What the configuration classes of Gemma 2 and 3 have in common.
  fileprivate static func gemma(
    names: [Name], contextLength: Int, vocabularySize: Int, ropeTheta: Float = 10_000
  ) -> Self {
    Self(
      names: names, contextLength: contextLength, vocabularySize: vocabularySize, headCount: 8,
      keyValueHeads: .count(4), headSize: 256, attentionScalar: 256, isTied: true, addsOneToNorms: true,
      activationKey: "hidden_activation", activationNames: ["gelu_pytorch_tanh"], ropeTheta: ropeTheta,
      tensorNames: [.feedForwardNorm: "pre_feedforward_layernorm.weight"])
  }
}
