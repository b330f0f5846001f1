/// What `--help` prints; an example for each verb.
enum Help {
  static let overview = """
    martlet: int8 neural networks in a fixed arena

    usage: martlet VERB ...
      classify  what a picture shows          martlet classify model.martlet photo.jpg
      infer     raw tensors in, raw out       martlet infer model.martlet --input in.bin --output out.bin
      inspect   what a model is and needs     martlet inspect model.martlet --svg plan.svg
      verify    every hash and every rule     martlet verify model.martlet
      bench     latency, memory, cold start   martlet bench model.martlet --profile

    martlet VERB --help says more. martlet --version prints the version.
    MARTLET_ISA=scalar|avx2|neon|dotprod|i8mm in the environment forces an instruction set; the bits stay the same.

    """

  static let classify = """
    usage: martlet classify MODEL PICTURE... [--top K] [--threads N] [--resize POLICY] [--json] [--verbose]

    Says what each picture shows: the best labels with their scores. JPEG, PNG, BMP, PPM and PGM are read.

      --top K          how many labels, 1...1000, 5 unless told
      --threads N      1...64, 1 unless told
      --resize POLICY  stretch, crop or letterbox; the model's own unless told
      --verbose        the time of each stage
      --json           for programs

    example: martlet classify resnet8.martlet photo.jpg --top 3

    """

  static let infer = """
    usage: martlet infer MODEL --input FILE... --output FILE... [--threads N]

    Runs one inference on raw tensors: little-endian, row-major, one file for each tensor, in the types that the source
    model has at its inputs and outputs (martlet inspect shows them).

      --input FILE...   one file for each input, in the model's order
      --output FILE...  one file for each output; written whole or not at all
      --threads N       1...64, 1 unless told

    example: martlet infer resnet8.martlet --input frame.bin --output scores.bin

    """

  static let inspect = """
    usage: martlet inspect MODEL [--threads N] [--operators] [--json] [--svg FILE]

    Prints what the model is and, exactly, the memory that it will need.

      --threads N   the arena for a team of N threads, 1...64, 1 unless told
      --operators   every operator with its shapes
      --json        for programs
      --svg FILE    draws the memory plan: time across, arena address up, one box a tensor

    example: martlet inspect resnet8.martlet --svg plan.svg

    """

  static let verify = """
    usage: martlet verify MODEL

    Checks the whole file: every hash, weights included, and every rule of the format.

    example: martlet verify resnet8.martlet

    """

  static let bench = """
    usage: martlet bench MODEL [--threads N] [--runs N] [--profile] [--json]

    Measures on made-up input: cold start, latency, processor time and memory.

      --threads N   1...64, 1 unless told
      --runs N      1...100000, 100 unless told
      --profile     time of each operator, its share and its multiply-accumulates per second
      --json        for programs

    example: martlet bench resnet8.martlet --runs 1000 --profile

    """
}
