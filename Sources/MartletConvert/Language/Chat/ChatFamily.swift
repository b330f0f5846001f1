import Martlet

extension ChatFormatSource.Family {
  /// The family whose markers a derived format has; nil: none that is known.
  init?(of pieces: ChatPieces, end: String) {
    func has(_ piece: ChatPiece, _ marker: String) -> Bool {
      !JinjaText.ranges(of: marker, in: String(decoding: pieces[piece], as: UTF8.self), limit: 1).isEmpty
    }
    let asks = String(decoding: pieces[.generationPrompt] + pieces[.userSuffix], as: UTF8.self)
    func asksFor(_ marker: String) -> Bool { !JinjaText.ranges(of: marker, in: asks, limit: 1).isEmpty }

    if has(.userPrefix, "<|im_start|>user\n"), asksFor("<|im_start|>assistant\n"), has(.userSuffix, "<|im_end|>") {
      self = .chatml
    } else if has(.userPrefix, "user<|end_header_id|>\n\n"), asksFor("assistant<|end_header_id|>\n\n") {
      self = .llama3
    } else if has(.userPrefix, "<start_of_turn>user\n"), asksFor("<start_of_turn>model\n") {
      self = .gemma
    } else if has(.userPrefix, "[INST]"), has(.userSuffix, "[/INST]") {
      self = has(.systemPrefix, "<<SYS>>") ? .llama2 : .mistral
    } else if has(.userPrefix, "<|user|>\n"), asksFor("<|assistant|>"), !end.isEmpty, has(.userSuffix, end) {
      self = .zephyr
    } else if has(.userPrefix, "<｜User｜>"), asksFor("<｜Assistant｜>") {
      self = .deepseek
    } else if pieces[.userPrefix] == Array("User: ".utf8), asksFor("Assistant:"), !end.isEmpty,
      has(.assistantSuffix, end)
    {
      self = .deepseek
    } else {
      return nil
    }
  }

  /// The family's plain form as a template; nil for `none`. Mistral: that of the third tokenizer, with the system text
  /// in the first turn, so that turns never move.
  var template: String? {
    let loop = "{% for m in messages %}"
    let close = "{% endfor %}{% if add_generation_prompt %}"
    switch self {
    case .chatml:
      return loop + "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}" + close
        + "{{ '<|im_start|>assistant\\n' }}{% endif %}"
    case .llama3:
      return "{{ bos_token }}" + loop
        + "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' }}" + close
        + "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
    case .llama2:
      return "{% set ns = namespace(system='') %}" + loop
        + "{% if m.role == 'system' %}{% set ns.system = '<<SYS>>\\n' + m.content + '\\n<</SYS>>\\n\\n' %}"
        + "{% elif m.role == 'user' %}{{ bos_token + '[INST] ' + (ns.system + m.content).strip() + ' [/INST]' }}"
        + "{% set ns.system = '' %}{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
    case .mistral:
      return "{{ bos_token }}{% set ns = namespace(system='') %}" + loop
        + "{% if m.role == 'system' %}{% set ns.system = m.content + '\\n\\n' %}"
        + "{% elif m.role == 'user' %}{{ '[INST] ' + ns.system + m.content + '[/INST]' }}{% set ns.system = '' %}"
        + "{% else %}{{ ' ' + m.content.strip() + eos_token }}{% endif %}{% endfor %}"
    case .gemma:
      return "{{ bos_token }}{% set ns = namespace(system='') %}" + loop
        + "{% if m.role == 'system' %}{% set ns.system = m.content + '\\n\\n' %}{% else %}"
        + "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else 'user') + '\\n' + ns.system }}"
        + "{{ m.content.strip() + '<end_of_turn>\\n' }}{% set ns.system = '' %}{% endif %}" + close
        + "{{ '<start_of_turn>model\\n' }}{% endif %}"
    case .zephyr:
      return loop + "{{ '<|' + m.role + '|>\\n' + m.content + eos_token + '\\n' }}" + close
        + "{{ '<|assistant|>\\n' }}{% endif %}"
    case .deepseek:
      return "{{ bos_token }}" + loop + "{% if m.role == 'system' %}{{ m.content }}"
        + "{% elif m.role == 'user' %}{{ '<｜User｜>' + m.content }}"
        + "{% else %}{{ '<｜Assistant｜>' + m.content.split('</think>')[-1] + eos_token }}{% endif %}" + close
        + "{{ '<｜Assistant｜>' }}{% endif %}"
    case .none: return nil
    }
  }
}
