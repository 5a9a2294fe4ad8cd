// The schemas of manifests and of lists of them, as Iceberg v2 has them: Avro's JSON, with a field id for each field.
#pragma once

#include "store/bytes.h"

// Appends the schema of a manifest whose files are put into partitions by tenant and day.
void manifest_schema_print(struct bytes *out);
void manifest_schema_print_list(struct bytes *out);
