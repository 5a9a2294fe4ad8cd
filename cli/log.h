// `factfs log`.
#pragma once

int log_main(int argc, char **argv);
