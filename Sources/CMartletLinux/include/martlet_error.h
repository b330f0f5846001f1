/// How every function of this module reports that it could not do what it was asked for:
///
/// - It returns a martlet_error: 0, or an errno value as the system gave it, or a code of the table below, which no
///   errno value is, for what the system has no number for. A value means the same wherever it comes from; whoever gets
///   one may hand it on. Nothing is told by -1, by NULL, in errno or through a pointer.
/// - What a function gives goes through its last pointers. Nothing there at the moment is EAGAIN.
/// - What is to be told besides the number (the place, how many, a few words) is in the subject's failure record.
///   Sentences are written in Swift, but for the last words of a process that ends.
/// - A function that cannot fail returns its answer; yes or no is a bool, and what is not known has a value that its
///   comment names. Of all that can fail only martlet_reserve_memory gives NULL, as malloc does, for the one reason
///   there is.
#ifndef MARTLET_ERROR_H
#define MARTLET_ERROR_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

typedef int32_t martlet_error;

enum {
  MARTLET_FIRST_CODE = 1024,

  // MARK: Files

  /// A named pipe, a device, a socket: reading it may have no end, or no beginning.
  MARTLET_NOT_A_FILE = MARTLET_FIRST_CODE,
  /// What would be written over is what this process reads.
  MARTLET_OWN_SOURCE,

  // MARK: Records and frames

  /// The file that is to be the log is something else: its first line is no record.
  MARTLET_LOG_FOREIGN,
  /// What should be saved ends early, or is none.
  MARTLET_FRAME_NOT_WHOLE,
  /// The disk took too long: there was no room for more to wait.
  MARTLET_NO_ROOM_TO_WAIT,

  // MARK: Options of a command; `text` is what stood there

  MARTLET_OPTION_UNKNOWN,
  /// It takes a value and has none.
  MARTLET_OPTION_WITHOUT_VALUE,
  /// It takes no value and has one.
  MARTLET_OPTION_WITH_VALUE,

  // MARK: Lines of a terminal

  /// No more: end of file, or Ctrl-D on an empty line.
  MARTLET_LINE_END,
  /// Only of plain input: the line was longer than the buffer, and was skipped.
  MARTLET_LINE_TOO_LONG,

  // MARK: GPIO; `failure` says more

  /// There is no /dev/gpiochip*.
  MARTLET_GPIO_NO_CHIPS,
  /// `detail`: the chips that there are.
  MARTLET_GPIO_NO_CHIP,
  /// `detail`: the chip, if one was named; `lines`: how many it has.
  MARTLET_GPIO_NO_LINE,
  /// Several lines have the name, or several chips the label; `detail`: where.
  MARTLET_GPIO_AMBIGUOUS,
  /// `detail`: who uses the line, if the kernel says.
  MARTLET_GPIO_BUSY,
  /// `detail`: the device file.
  MARTLET_GPIO_DENIED,
  /// The chip or its driver cannot do that (edges without interrupts, for example); `system_error` is how it said so.
  MARTLET_GPIO_UNSUPPORTED,
  /// The text is no address of a line.
  MARTLET_GPIO_NO_ADDRESS,

  // MARK: Pictures; `failure` says more

  /// 0 bytes.
  MARTLET_PICTURE_EMPTY,
  MARTLET_PICTURE_NOT_A_PICTURE,
  /// A picture, of a kind that is not read: `detail` names it.
  MARTLET_PICTURE_UNSUPPORTED,
  /// 0 columns or 0 rows.
  MARTLET_PICTURE_NO_PIXELS,
  /// A side over MARTLET_PICTURE_MAX_SIDE, or over MARTLET_PICTURE_MAX_PIXELS in all.
  MARTLET_PICTURE_TOO_LARGE,
  /// The region is too small for this picture.
  MARTLET_PICTURE_NEEDS_MEMORY,
  /// The file stops before the picture does.
  MARTLET_PICTURE_ENDS_EARLY,
  /// Its bytes contradict the format: `detail` says how.
  MARTLET_PICTURE_DAMAGED,

  // MARK: YAML; `line` and `column` say where

  /// libyaml's words are in `problem`.
  MARTLET_YAML_SYNTAX,
  MARTLET_YAML_TOO_LARGE,
  MARTLET_YAML_TOO_MANY_NODES,
  MARTLET_YAML_TOO_DEEP,
  MARTLET_YAML_ANCHOR,
  MARTLET_YAML_TAG,
  MARTLET_YAML_SECOND_DOCUMENT,
  MARTLET_YAML_KEY_NOT_TEXT,
  MARTLET_YAML_ZERO_BYTE,
};

/// Errno values that Swift tells apart; it has no header for them in the device build.
enum {
  MARTLET_NO_FILE = ENOENT,
  /// A part of the path is no folder.
  MARTLET_NO_FOLDER = ENOTDIR,
  MARTLET_IS_FOLDER = EISDIR,
  MARTLET_NO_MEMORY = ENOMEM,
  /// This user may not do that.
  MARTLET_NO_PERMISSION = EACCES,
  /// Another one holds it.
  MARTLET_BUSY = EBUSY,
  /// Nobody reads the pipe any more.
  MARTLET_BROKEN_PIPE = EPIPE,
  /// The device was removed.
  MARTLET_GONE = ENODEV,
  /// Nothing is there at the moment.
  MARTLET_NOT_YET = EAGAIN,
};

/// Whether it tells that what is open is there no more, and has to be opened anew.
bool martlet_is_disk_gone(martlet_error error);
/// Whether it tells of a transfer that failed: what was to be written could be opened.
bool martlet_is_transfer_error(martlet_error error);

/// An English phrase, like "No such file or directory", for an errno value or a code of files, records and frames.
const char *martlet_error_text(martlet_error error);

#endif
