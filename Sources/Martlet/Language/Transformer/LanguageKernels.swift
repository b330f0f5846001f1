import CMartletKernels

/// The kernels of one instruction set, each with the record that it takes: no other one compiles.
struct LanguageKernels {
  let matmul: LanguageKernel<martlet_matmul_params>
  let norm: LanguageKernel<martlet_norm_params>
  let gate: LanguageKernel<martlet_gate_params>
  let angles: LanguageKernel<martlet_rope_table_params>
  let embed: LanguageKernel<martlet_embed_params>
  let rotate: LanguageKernel<martlet_rotate_params>
  let attention: LanguageKernel<martlet_attention_params>
  let merge: LanguageKernel<martlet_merge_params>

  init(_ table: martlet_language_table) {
    matmul = LanguageKernel(function: table.matmul)
    norm = LanguageKernel(function: table.norm)
    gate = LanguageKernel(function: table.gate)
    angles = LanguageKernel(function: table.rope_table)
    embed = LanguageKernel(function: table.embed)
    rotate = LanguageKernel(function: table.rotate)
    attention = LanguageKernel(function: table.attention)
    merge = LanguageKernel(function: table.merge)
  }
}

/// A kernel that reads nothing but a record of `Parameters`.
struct LanguageKernel<Parameters> {
  let function: martlet_kernel
}
