// `factfs lake`: the table that a store's events are kept in, seen and tended from a shell.
#pragma once

int lake_main(int argc, char **argv);
