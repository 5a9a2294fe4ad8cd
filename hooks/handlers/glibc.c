// Debian's static library of QuickJS was built where strtol has another name (glibc 2.38 and later).
#include <stdlib.h>

#if !__GLIBC_PREREQ(2, 38)
long __isoc23_strtol(const char *text, char **end, int base);
long __isoc23_strtol(const char *text, char **end, int base)
{
    return strtol(text, end, base);
}
#endif
