// What a filter of find/ finds, as files: links to the entities, and entities.ndjson with their states, one a line.
//
// The file of states is open as things stood just after a position, the last one when it was opened, whatever happens
// meanwhile; so a reader sees each entity once, as it was then. Nothing of it is kept but where the reader stands. Its
// size is found by going through all of it once, which the view remembers, and then only through what changed.
#pragma once

#include "fs/tree.h"
#include "store/find.h"

// The inode of a filter in find/, and of an entity that it finds; as tree_lookup.
int found_lookup_filter(struct visit *visit, struct slice name, uint64_t *id, double *entry_timeout_s);
int found_lookup(struct visit *visit, struct slice name, uint64_t *id, double *entry_timeout_s);
// The next entity that is found with an id of at least `offset`; as tree_next.
int found_next(struct visit *visit, uint64_t offset, struct tree_entry *entry);
// What the visited link says.
int found_link(struct visit *visit, struct bytes *target);
// The size of the visited view's file of states just after a position, 0 of an empty log. The finds' thread.
int found_measure(struct visit *visit, uint64_t position, uint64_t *size);

// The file that was measured last, if it is small: who asks for its size mostly reads it.
void found_text_free(struct found_text *text);
