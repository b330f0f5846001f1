extension Help {
  static let gpio = """
    usage: martlet gpio [list]
           martlet gpio read LINE...
           martlet gpio set LINE=0|1... [--for MS | --hold]
           martlet gpio pulse LINE --for MS [--count N --every MS]
           martlet gpio watch LINE... [--edge E] [--debounce US] [--count N] [--timeout MS]

    GPIO lines, for bringing a board up. LINE is CHIP:OFFSET, CHIP:NAME or NAME; CHIP is gpiochip0, a path or a label.
    Levels are logical: 1 is active.

      list   the chips and their lines
      read   the level of each line; a line that is an output stays one
      set    holds levels until Ctrl-C or the end of input, then all are set inactive and released
      pulse  active for a time, ended by a timer
      watch  a line for each edge: seconds since the start of the system, edge, GPIO line

      --for MS       set: until then; pulse: its length. Milliseconds, 1...86400000
      --hold         until Ctrl-C or SIGTERM, whatever the input (that of a service is at its end)
      --count N      pulse: so many; watch: ends after so many edges
      --every MS     pulse: from start to start; twice the length unless told
      --edge E       rising, falling or both, which is the default
      --debounce US  a level counts when it stayed for so many microseconds
      --timeout MS   watch: ends after this time; 75 is returned if --count has not been reached
      --active-low   a low voltage is active
      --bias B       none, pull-up or pull-down; ignored by chips that have none
      --json         for programs; watch writes an object a line

    Whatever ends a process, the kernel releases its lines. Most drivers then leave an output at its last level: after
    kill -9 a line may stay active. Give a line that must not stay so a pull resistor and a monostable driver.
    Returns 66: no such chip or line; 69: no GPIO here, or the chip cannot do that; 75: the line is busy; 77: no
    permission.

    example: martlet gpio watch gpiochip0:light-barrier --edge rising --debounce 2000

    """
}
