// A table in an Iceberg REST catalog (catalog.h): R2 Data Catalog, Polaris, Lakekeeper, Nessie. Nothing is asked before
// the first call. The table's files are where the catalog says, with the keys that it hands out; what those leave
// unsaid, `access` says.
#pragma once

#include "hooks/lake/access.h"
#include "hooks/lake/catalog.h"

struct rest_place {
    const char *uri;       // `https://host/path`
    const char *warehouse; // as the catalog names it; NULL: it has one only
    const char *table;     // `NAMESPACE.TABLE`, `A.B.TABLE`
};

int lake_catalog_rest_open(
    struct lake_catalog **catalog, const struct rest_place *place, const struct access *access, struct reason *why);
