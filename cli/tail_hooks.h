// factfs tail-hooks: follows what is sent to webhooks and the like, attempt by attempt.
#pragma once

int tail_hooks_main(int argc, char **argv);
