extension Help {
  static let tokenize = """
    usage: martlet tokenize MODEL [FILE | -] [--decode] [--special] [--lines] [--null]

    Prints the token ids of a text, or the text of token ids, as the model's tokenizer has them. Without a file, or with
    -, standard input is read. BOS stands first if the model wants it; bytes that are no UTF-8 become U+FFFD.

      --decode    token ids to text
      --special   control tokens that are written in the text become those tokens, and so do others that chats are made
                  of; decoding, they are written out
      --lines     each line is a text of its own, and gives one line
      --null      as --lines, but texts end with a zero byte

    example: echo "Hello world" | martlet tokenize smollm2.martlet

    """
}
