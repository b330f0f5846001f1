import Foundation
import Testing

@testable import MartletConvert

/// config.json in its older and newer forms, and what is refused of it.
@Suite struct LanguageConfigTests {
  private func read(_ text: String) throws(ConversionError) -> LanguageConfiguration {
    try HuggingFaceConfiguration(HuggingFaceModel(JSONObject(Array(text.utf8), place: "config.json"))).configuration()
  }

  /// A small model of `architecture` with further or other entries.
  private func text(_ architecture: String, _ more: String) -> String {
    func object(_ text: String) -> [String: Any] {
      (try? JSONSerialization.jsonObject(with: Data("{\(text)}".utf8))) as? [String: Any] ?? [:]
    }
    let sizes = object(
      #""vocab_size":100,"hidden_size":64,"intermediate_size":96,"num_hidden_layers":7,"num_attention_heads":4,"#
        + #""num_key_value_heads":2,"architectures":["\#(architecture)"]"#)
    let merged = sizes.merging(object(more)) { $1 }
    return (try? JSONSerialization.data(withJSONObject: merged)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  private func llama(_ more: String = "") throws(ConversionError) -> LanguageConfiguration {
    try read(text("LlamaForCausalLM", more))
  }

  private func expect(_ words: String, _ more: String, sourceLocation: SourceLocation = #_sourceLocation) {
    expect(words, "LlamaForCausalLM", more, sourceLocation: sourceLocation)
  }

  private func expect(
    _ words: String, _ architecture: String, _ more: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var line = ""
    do throws(ConversionError) { _ = try read(text(architecture, more)) } catch { line = error.lines[0] }
    #expect(line.contains(words), "\(line)", sourceLocation: sourceLocation)
  }

  @Test func ropeInBothForms() throws {
    #expect(try llama().ropeTheta == 10000)
    #expect(try llama(#""rope_theta":5e5"#).ropeTheta == 500_000)
    #expect(try llama(#""rope_parameters":{"rope_type":"default","rope_theta":2000.0}"#).ropeTheta == 2000)
    let linear = try llama(#""rope_theta":1000,"rope_scaling":{"type":"linear","factor":2.0}"#)
    #expect(linear.ropeScaling == .linear(factor: 2) && linear.ropeTheta == 1000)
    let llama3 =
      #"{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"#
      + #""original_max_position_embeddings":8192}"#
    let expected = LanguageConfiguration.RopeScaling.llama3(
      factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)
    #expect(try llama(#""rope_scaling":\#(llama3)"#).ropeScaling == expected)
    #expect(try llama(#""rope_parameters":\#(llama3)"#).ropeScaling == expected)
    #expect(try llama(#""rope_scaling":null"#).ropeScaling == .none)
    for name in ["yarn", "dynamic", "longrope", "su", "mrope"] {
      expect("rotary scaling \(name) is not supported", #""rope_scaling":{"rope_type":"\#(name)","factor":2}"#)
    }
    expect("rope_scaling: factor is missing", #""rope_scaling":{"type":"linear"}"#)
    expect("the rotary scaling factor is 0.0", #""rope_scaling":{"type":"linear","factor":0}"#)
    expect("partial_rotary_factor 0.5 is not supported", #""partial_rotary_factor":0.5"#)
    expect("partial_rotary_factor 0.5 is not supported", #""rope_parameters":{"partial_rotary_factor":0.5}"#)
    expect("by kind of layer", #""rope_parameters":{"full_attention":{"rope_type":"default"}}"#)
  }

  @Test func gemma3AsOnTheHub() throws {
    // What is left out is the class's default.
    let config = try read(
      #"{"architectures":["Gemma3ForConditionalGeneration"],"model_type":"gemma3","text_config":{"hidden_size":2560,"#
        + #""intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,"#
        + #""rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},"vision_config":{}}"#)
    #expect(config.vocabularySize == 262_208 && config.headCount == 8 && config.keyValueHeadCount == 4)
    #expect(config.headSize == 256 && config.contextLength == 131_072 && config.isHeadTied)
    #expect(config.ropeTheta == 1_000_000 && config.localRopeTheta == 10000)
    #expect(config.ropeScaling == .linear(factor: 8) && config.window == 1024)
    #expect(config.isWindowed == (0..<34).map { ($0 + 1) % 6 != 0 })
    #expect(config.attentionScale == 1.0 / 16 && config.attentionSoftCap == nil && config.outputSoftCap == nil)
    #expect(config.embeddingScale == Float(Double(2560).squareRoot()))
    let older = try read(
      text("Gemma3ForCausalLM", #""sliding_window_pattern":3,"rope_local_base_freq":5000,"head_dim":16"#))
    #expect(older.isWindowed == [true, true, false, true, true, false, true] && older.localRopeTheta == 5000)
    expect(
      "scaling of windowed layers", "Gemma3ForCausalLM",
      #""rope_parameters":{"sliding_attention":{"rope_type":"linear","factor":2}}"#)
    expect("is not by kind of layer", "Gemma3ForCausalLM", #""rope_parameters":{"rope_type":"default"}"#)
    expect("use_bidirectional_attention is not supported", "Gemma3ForCausalLM", #""use_bidirectional_attention":true"#)
  }

  @Test func gemma2() throws {
    let config = try read(text("Gemma2ForCausalLM", #""query_pre_attn_scalar":144"#))
    #expect(config.attentionSoftCap == 50 && config.outputSoftCap == 30 && config.window == 4096)
    #expect(config.isWindowed == [true, false, true, false, true, false, true] && config.isHeadTied)
    #expect(config.attentionScale == 1.0 / 12 && config.activation == .geluTanh && config.hasPostNorms)
    let bare = try read(text("Gemma2ForCausalLM", #""attn_logit_softcapping":null,"final_logit_softcapping":null"#))
    #expect(bare.attentionSoftCap == nil && bare.outputSoftCap == nil)
    expect("hidden_activation gelu is not supported", "Gemma2ForCausalLM", #""hidden_activation":"gelu""#)
  }

  @Test func windows() throws {
    #expect(try llama(#""sliding_window":512"#).window == nil)
    let mistral = try read(text("MistralForCausalLM", ""))
    #expect(mistral.window == 4096 && mistral.isWindowed.allSatisfy { $0 })
    #expect(try read(text("MistralForCausalLM", #""sliding_window":null"#)).window == nil)
    #expect(try read(text("Qwen2ForCausalLM", #""sliding_window":512"#)).window == nil)
    let qwen = try read(
      text("Qwen2ForCausalLM", #""use_sliding_window":true,"sliding_window":512,"max_window_layers":5"#))
    #expect(qwen.window == 512 && qwen.isWindowed == [false, false, false, false, false, true, true])
    #expect(qwen.hasQueryKeyValueBias && !qwen.isHeadTied)
    expect("layer_types has 1 entries for 7 layers", "Gemma2ForCausalLM", #""layer_types":["full_attention"]"#)
    expect(
      "layer_types: chunked_attention is not supported", "Gemma2ForCausalLM",
      #""layer_types":[\#(Array(repeating: #""chunked_attention""#, count: 7).joined(separator: ","))]"#)
    expect("the attention window is 0", "MistralForCausalLM", #""sliding_window":0"#)
  }

  @Test func heads() throws {
    #expect(try llama().headSize == 16 && llama(#""head_dim":null"#).headSize == 16)
    #expect(try llama(#""head_dim":24"#).headSize == 24)
    #expect(try read(text("Qwen3ForCausalLM", "")).headSize == 128)
    let noPairs =
      #""hidden_size":64,"intermediate_size":96,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":9"#
    #expect(try read(#"{"model_type":"llama",\#(noPairs)}"#).keyValueHeadCount == 4)
    #expect(try read(#"{"model_type":"qwen2",\#(noPairs),"num_key_value_heads":null}"#).keyValueHeadCount == 4)
    #expect(throws: ConversionError.badData("config.json: num_key_value_heads is missing")) {
      try read(#"{"model_type":"mistral",\#(noPairs)}"#)
    }
    expect("4 heads cannot share 3 key-value heads", #""num_key_value_heads":3"#)
    expect("head_dim is not an integer", #""head_dim":true"#)
    expect("the head size is 0", #""head_dim":0"#)
  }

  @Test func whatIsNotRun() {
    for (architecture, type) in [("MixtralForCausalLM", "mixtral"), ("Phi3ForCausalLM", "phi3")] {
      expect("architecture \(architecture) is not supported", architecture, #""model_type":"\#(type)""#)
    }
    expect("model_type granite does not go with architecture LlamaForCausalLM", #""model_type":"granite""#)
    expect("attention_bias is not supported", #""attention_bias":true"#)
    expect("mlp_bias is not supported", #""mlp_bias":true"#)
    expect("attention_bias is not supported", "Qwen3ForCausalLM", #""attention_bias":true"#)
    expect("quantized weights are not supported", #""quantization_config":{"quant_method":"gptq"}"#)
    expect("mixture of experts", #""num_local_experts":8"#)
    expect("hidden_act relu is not supported", #""hidden_act":"relu""#)
    expect("mlp_bias is not a boolean", #""mlp_bias":1"#)
  }

  @Test func limits() {
    for (key, words) in [
      ("vocab_size", "the vocabulary size is"), ("hidden_size", "hidden_size"), ("num_hidden_layers", "layers is"),
      ("intermediate_size", "feed-forward size is"), ("max_position_embeddings", "context length is"),
      ("num_attention_heads", "num_attention_heads"), ("num_key_value_heads", "key-value heads is"),
      ("head_dim", "head size is"),
    ] {
      for value in ["1048577", "0", "-4", "9223372036854775807", "-9223372036854775808"] {
        // A size that is no multiple of the other is said before one that is out of bounds.
        let first = key == "hidden_size" && ["0", "-4", "-9223372036854775808"].contains(value)
        expect(first ? "the hidden size is \(value)" : words, #""\#(key)":\#(value)"#)
      }
    }
    // What the device takes, and no more: not to be found out at the very end.
    expect("the head size is 1024; 1 to 512 are taken", #""head_dim":1024"#)
    expect("vocab_size is not an integer", #""vocab_size":1e300"#)
    expect("vocab_size is not an integer", #""vocab_size":2.5"#)
    expect("the norm's epsilon is 0.0", #""rms_norm_eps":0"#)
  }
}
