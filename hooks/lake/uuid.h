// A UUID as text, of chance alone (RFC 9562, version 4).
#pragma once

#define UUID_TEXT 37 // with the zero behind it

// 0, or -EIO when the system has no chance to give.
int uuid_make(char uuid[static UUID_TEXT]);
// From 16 bytes, as they are.
void uuid_print(char uuid[static UUID_TEXT], const unsigned char bytes[static 16]);
