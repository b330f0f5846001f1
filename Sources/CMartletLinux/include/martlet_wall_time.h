/// The wall clock as text, without a time zone's files.
#ifndef MARTLET_WALL_TIME_H
#define MARTLET_WALL_TIME_H

#include <stddef.h>
#include <stdint.h>

enum { MARTLET_WALL_TIME_LENGTH = 27 };

/// Microseconds since 1970 UTC, now.
uint64_t martlet_wall_time_us(void);
/// "2026-11-27T23:20:22.123456Z", no zero behind it; returns its length. Up to the year 9999.
size_t martlet_wall_time_text(uint64_t us, char *into);

#endif
