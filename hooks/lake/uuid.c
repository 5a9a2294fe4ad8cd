#include "hooks/lake/uuid.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

void uuid_print(char uuid[static UUID_TEXT], const unsigned char b[static 16])
{
    snprintf(uuid, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
        b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

int uuid_make(char uuid[static UUID_TEXT])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return -EIO;
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    uuid_print(uuid, bytes);
    return 0;
}
