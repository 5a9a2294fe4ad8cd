#include "hooks/lake/step.h"

void (*lake_at_step)(const char *step);
