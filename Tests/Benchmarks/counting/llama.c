/// llama.cpp around `llama_decode`, to be counted: no sampling, one thread, the library's own settings for the rest.
///
///     llama run MODEL PROMPT FOLLOWING ID...     the first PROMPT ids in one batch, FOLLOWING more one at a time
///     llama quantize SOURCE TARGET TYPE          as `llama-quantize --allow-requantize`; TYPE is llama.h's number
///
/// `run` prints the last logits' best token, so that a run can be seen to have computed something.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ggml-backend.h"
#include "llama.h"

/// What `Tools/bench language` and `martlet generate` have room for too.
enum { CONTEXT = 1024, BATCH = 512 };

static void errors_only(enum ggml_log_level level, const char *text, void *unused) {
  (void)unused;
  if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static int fail(const char *what) {
  fprintf(stderr, "llama: %s\n", what);
  return 1;
}

static int quantize(const char *source, const char *target, int type) {
  llama_model_quantize_params options = llama_model_quantize_default_params();
  options.ftype = (enum llama_ftype)type;
  options.nthread = 1;
  options.allow_requantize = true;
  return llama_model_quantize(source, target, &options) ? fail("not quantized") : 0;
}

/// Logits of the batch's last token only.
static int decode(struct llama_context *context, struct llama_batch *batch, char **ids, int count, int position) {
  batch->n_tokens = count;
  for (int i = 0; i < count; i++) {
    batch->token[i] = atoi(ids[i]);
    batch->pos[i] = position + i;
    batch->n_seq_id[i] = 1;
    batch->seq_id[i][0] = 0;
    batch->logits[i] = i == count - 1;
  }
  return llama_decode(context, *batch);
}

static int run(const char *path, int prompt, int following, char **ids) {
  struct llama_model_params from = llama_model_default_params();
  from.n_gpu_layers = 0;
  struct llama_model *model = llama_model_load_from_file(path, from);
  if (!model) return fail("the model is not loaded");
  struct llama_context_params options = llama_context_default_params();
  options.n_ctx = CONTEXT;
  options.n_batch = options.n_ubatch = BATCH;
  options.n_threads = options.n_threads_batch = 1;
  options.no_perf = true;
  struct llama_context *context = llama_init_from_model(model, options);
  if (!context) return fail("no context");
  struct llama_batch batch = llama_batch_init(BATCH, 0, 1);
  if (decode(context, &batch, ids, prompt, 0)) return fail("the prompt is not decoded");
  for (int i = 0; i < following; i++)
    if (decode(context, &batch, ids + prompt + i, 1, prompt + i)) return fail("a token is not decoded");
  const float *logits = llama_get_logits_ith(context, -1);
  int best = 0, count = llama_vocab_n_tokens(llama_model_get_vocab(model));
  for (int i = 1; i < count; i++)
    if (logits[i] > logits[best]) best = i;
  printf("%d\n", best);
  llama_batch_free(batch);
  llama_free(context);
  llama_model_free(model);
  return 0;
}

int main(int argc, char **argv) {
  llama_log_set(errors_only, NULL);
  llama_backend_init();
  if (argc == 5 && !strcmp(argv[1], "quantize")) return quantize(argv[2], argv[3], atoi(argv[4]));
  if (argc > 5 && !strcmp(argv[1], "run")) {
    int prompt = atoi(argv[3]), following = atoi(argv[4]);
    if (prompt > 0 && prompt <= BATCH && following >= 0 && prompt + following <= CONTEXT &&
        prompt + following <= argc - 5)
      return run(argv[2], prompt, following, argv + 5);
  }
  fprintf(stderr, "usage: llama run MODEL PROMPT FOLLOWING ID... | llama quantize SOURCE TARGET TYPE\n");
  return 64;
}
