// The system's zlib, for the label files that models carry in a zip archive at their end.
#include <zlib.h>
