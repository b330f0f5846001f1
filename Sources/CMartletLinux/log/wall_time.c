#define _GNU_SOURCE
#include "martlet_log.h"

#include <time.h>

uint64_t martlet_wall_time_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

static void digits(char *into, uint64_t value, int count) {
  for (int i = count - 1; i >= 0; i--) {
    into[i] = (char)('0' + value % 10);
    value /= 10;
  }
}

/// Days to a date: Howard Hinnant's civil_from_days.
size_t martlet_wall_time_text(uint64_t us, char *into) {
  const uint64_t last = 253402300799999999u;
  if (us > last) us = last;
  uint64_t seconds = us / 1000000, days = seconds / 86400 + 719468;
  uint64_t era = days / 146097, day_of_era = days % 146097;
  uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint64_t shifted = (5 * day_of_year + 2) / 153;
  uint64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const char *shape = "----------T--:--:--.------Z";
  for (size_t i = 0; i < MARTLET_WALL_TIME_LENGTH; i++) into[i] = shape[i];
  digits(into, year_of_era + era * 400 + (month <= 2), 4);
  digits(into + 5, month, 2);
  digits(into + 8, day_of_year - (153 * shifted + 2) / 5 + 1, 2);
  digits(into + 11, seconds / 3600 % 24, 2);
  digits(into + 14, seconds / 60 % 60, 2);
  digits(into + 17, seconds % 60, 2);
  digits(into + 20, us % 1000000, 6);
  return MARTLET_WALL_TIME_LENGTH;
}
