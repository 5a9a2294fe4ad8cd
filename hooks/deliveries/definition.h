// What the definitions of hooks share that are objects of JSON: each is read strictly, a member at a time, and what is
// wrong is named in words. The memory of one that was read is wiped when it is dropped: it may hold secrets.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#include <cJSON.h>

// One object, UTF-8, each key once, nothing behind it. 0, -EINVAL with the reason, or -ENOMEM.
int definition_parse(struct slice text, cJSON **json, struct reason *why);
void definition_drop(cJSON **json);
#define DEFINITION_AUTO __attribute__((cleanup(definition_drop))) cJSON *

// The text of a string; NULL when it is none.
const char *definition_text(const cJSON *value);

// A member's value, or -EINVAL with the reason, which names the member.
int definition_number(unsigned *number, const cJSON *value, const char *member, unsigned most, struct reason *why);
int definition_flag(bool *flag, const cJSON *value, const char *member, struct reason *why);
// The member says again what the place of the file says: it can only be this.
int definition_redundant(const cJSON *value, const char *member, const char *only, struct reason *why);

// Appends it as one line, without white space. 0 or -ENOMEM.
int definition_print(const cJSON *json, struct bytes *out);
// Puts a text in place of a member that is there. 0 or -ENOMEM.
int definition_replace(cJSON *object, const char *member, const char *text);
