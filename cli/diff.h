// factfs diff: which fields of an entity differ between two moments.
#pragma once

// argv[0] is "diff". Returns the exit status, as diff(1): 0 when nothing differs, 1 when something does, 2 when that
// could not be found out.
int diff_main(int argc, char **argv);
