/// What `--help` prints; an example for each verb.
enum Help {
  static let overview = """
    martlet: int8 neural networks in a fixed arena

    usage: martlet VERB ...
      classify  what a picture shows          martlet classify model.martlet photo.jpg
      generate  goes on with a text           martlet generate model.martlet --prompt "Once upon a time"
      chat      a talk with a language model  martlet chat model.martlet
      tokenize  text to token ids, and back   martlet tokenize model.martlet text.txt
      infer     raw tensors in, raw out       martlet infer model.martlet --input in.bin --output out.bin
      inspect   what a model is and needs     martlet inspect model.martlet --svg plan.svg
      verify    every hash and every rule     martlet verify model.martlet
      bench     latency, memory, cold start   martlet bench model.martlet --profile
      devices   cameras and the machine       martlet devices
      gpio      list, read, set, watch lines  martlet gpio pulse gpiochip0:17 --for 50
      check     a configuration's errors      martlet check martlet.yaml
      run       the service                   martlet run martlet.yaml
      status    what the service does         martlet status
      reload    new models and rules for it   martlet reload

    martlet VERB --help says more. martlet --version prints the version.
    MARTLET_ISA=scalar|avx2|neon|dotprod|i8mm in the environment forces an instruction set; the bits stay the same.

    """

  static let classify = """
    usage: martlet classify MODEL PICTURE... [--top K] [--threads N] [--resize POLICY] [--json] [--verbose]
           martlet classify MODEL --camera DEVICE [--once|--watch] [OPTION...]

    Says what each picture shows: the best labels with their scores. JPEG, PNG, BMP, PPM and PGM are read. With
    --camera: what the camera sees now, or, with --watch, frame after frame until Ctrl-C, always the newest one.

      --top K          how many labels, 1...1000, 5 unless told
      --threads N      1...64, 1 unless told
      --resize POLICY  stretch, crop or letterbox; the model's own unless told
      --verbose        the time of each stage
      --json           for programs; of a camera, a line of JSON for each frame
      --camera DEVICE  /dev/video0, 0, a bus (usb-0000:01:00.0-1.2) or a name; martlet devices lists them
      --format F       of the camera: YUYV, NV12, MJPG, ...; what is least work unless told
      --size WxH       of the camera; the least that is as large as the model's input unless told
      --rate N         frames per second; up to 30 unless told

    example: martlet classify resnet8.martlet photo.jpg --top 3
    example: martlet classify resnet8.martlet --camera /dev/video0 --watch

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
    usage: martlet inspect MODEL [--threads N] [--operators] [--context N] [--batch N] [--json] [--svg FILE]

    Prints what the model is and, exactly, the memory that it will need.

      --threads N   the arena for a team of N threads, 1...64, 1 unless told
      --operators   every operator with its shapes
      --context N   of a language model: positions that the arena is to have room for
      --batch N     of a language model: tokens of a prompt that are evaluated together, 16, 32 or 64
      --kv-cache T  of a language model: int8, or f32 for comparison
      --json        for programs
      --svg FILE    draws the memory plan: time across, arena address up, one box a tensor

    example: martlet inspect resnet8.martlet --svg plan.svg

    """

  static let verify = """
    usage: martlet verify MODEL

    Checks the whole file: all that opening it checks, and the weights, which opening does not read.

    example: martlet verify resnet8.martlet

    """

  static let bench = """
    usage: martlet bench MODEL [--threads N] [--runs N] [--profile] [--batch N] [--json]

    Measures on made-up input, another one each run: cold start, latency, processor time and memory. Of a language
    model: a prompt of 512 tokens, and 128 tokens one after another (three runs unless told).

      --threads N   1...64, 1 unless told
      --runs N      1...100000, 100 unless told
      --profile     time of each operator, its share and its multiply-accumulates per second; operators that run
                    strip by strip have the time of their strips, run one after the other
      --batch N     of a language model: tokens of a prompt that are evaluated together, 16, 32 or 64
      --kv-cache T  of a language model: int8, or f32 for comparison
      --json        for programs

    example: martlet bench resnet8.martlet --runs 1000 --profile

    """

  static let devices = """
    usage: martlet devices [--json]

    Lists the cameras with their formats, sizes, highest rates and controls, the GPIO chips with their lines, and the
    machine: instruction sets, memory, temperature. Formats in brackets need work before the model's own: jpeg is
    decoded, libv4l converts.

    example: martlet devices --json

    """

  static let run = """
    usage: martlet run CONFIG

    Works as the configuration says: frames of cameras through models, rules, lines, log and store. martlet check says
    whether a configuration is right. Ends within a second of SIGTERM and SIGINT, with every output at its safe level,
    or when all its picture files were read. SIGHUP is for martlet reload; where a terminal is gone with it, it ends
    too.

    example: martlet run /etc/martlet/martlet.yaml

    """

  static let status = """
    usage: martlet status [SOCKET] [--json | --check]

    Asks a running service: frames, drops, latencies, lines, memory, temperature, the last decisions.

      SOCKET   the status: of its configuration, /run/martlet/status.sock unless told
      --check  for monitoring: one line, and 0 if all cameras and models are as they should be, else 69

    example: martlet status --check

    """

  static let reload = """
    usage: martlet reload [SOCKET]

    A running service reads its configuration again and takes the models and rules in it, all or nothing, without losing
    a frame or the level of a line; SIGHUP does the same. Of a camera its model, rules, unknown-below and resize can be
    taken anew, and whatever models: says; anything else that differs needs a restart, and is refused.

      SOCKET  the status: of its configuration, /run/martlet/status.sock unless told

    example: martlet reload

    """

  static let check = """
    usage: martlet check CONFIG [--service] [--json]
           martlet check --keys [--json]

    Reads a configuration of the pipeline and opens its models; asks cameras and GPIO chips which they are, and changes
    nothing. Says everything that is wrong with it, a line each (FILE:LINE:COLUMN: ...), and ends with 78 then, or, if
    nothing is wrong but files or folders that are missing, with 66, or models that are damaged, with 65; else says how
    it was understood.

      --service  warns of what martlet.service may not read or write; /etc/martlet/martlet.yaml is always meant for it
      --keys     prints every key that a configuration can have: its kind, range, unit, default and meaning
      --json     for programs

    example: martlet check /etc/martlet/martlet.yaml

    """

  /// What `generate` and `chat` share.
  private static let textOptions = """
      --max-tokens N      at most N tokens an answer
      --temperature T     0: always the best token; higher: more variety;
                          generate has 0 and chat 0.7 unless told
      --top-k K           only the best K tokens, 40 unless told, 0: all
      --top-p P           only the best that together have probability P, 0.95 unless told
      --min-p P           only those with P times the best one's probability, 0.05 unless told
      --repeat-penalty R  above 1: tokens of the last 64 become less likely
      --seed S            of the generator, 0 unless told: the same seed gives the same text
      --context N         positions that the arena has room for; the model's own, at most 2048, unless told
      --when-full POLICY  stop, or slide: the prompt stays, the older half of the rest is forgotten
      --kv-cache TYPE     int8, or f32 for comparison
      --batch N           tokens of a prompt that are evaluated together: 16, 32 or 64 (default: 64);
                          fewer need less memory and more time, the text is the same
      --threads N         1...64, 1 unless told
      --stop TEXT         ends an answer in front of TEXT; may be given several times
      --json-schema FILE  the answer is JSON that satisfies the schema
      --choices A,B,...   the answer is one of these
      --session FILE      keeps what was read in FILE, so that it is read once
      --verbose           tokens per second, processor time, memory

    """

  static let generate = """
    usage: martlet generate MODEL (--prompt TEXT | --prompt-file FILE | -) [OPTION...]

    Goes on with a text. With --session and without a text, the saved one goes on; Ctrl-C then ends the text where it is
    and saves it.

      --prompt TEXT       the text; --prompt-file reads it from a file, - from standard input
      --tokens "1 2 ..."  token ids in its place
      --special           control tokens written in the text are such tokens, and those that chats are made of
      --json              for programs, at the end; else the text is written as it comes

    """ + textOptions + """
      example: martlet generate smollm2.martlet --prompt "The capital of France is" --max-tokens 20

      """

  static let chat = """
    usage: martlet chat MODEL [--system TEXT] [OPTION...]

    A talk in the terminal. Ctrl-C stops an answer, Ctrl-D on an empty line ends the talk.

      --system TEXT       what the model is told first

    """ + textOptions + """
      example: martlet chat smollm2.martlet --system "You answer in one sentence."

      """
}
