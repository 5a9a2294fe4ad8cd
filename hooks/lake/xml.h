// What answers of S3 need of XML: the text of an element by its name. No attributes, comments or namespaces: S3 answers
// without them what is asked for here. Text from outside: whatever it is, nothing reads past its end.
#pragma once

#include "store/bytes.h"

// Finds the next element of this name, at whatever level, and answers what stands between its tags; `rest` goes on
// behind it. False when there is none.
bool xml_next(struct slice *rest, const char *name, struct slice *content);
// The first of this name; false when there is none.
bool xml_find(struct slice text, const char *name, struct slice *content);
// Appends an element's text, decoded. A reference to what is not ASCII stays as it is: no key of ours holds such.
void xml_decode(struct bytes *out, struct slice content);
// Appends text as XML has it.
void xml_encode(struct bytes *out, struct slice text);
