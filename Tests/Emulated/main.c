#include "martlet_cases.h"

int main(void) { martlet_selftest(); }
