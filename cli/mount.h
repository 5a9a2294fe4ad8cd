// `factfs STORE MOUNT`: options, background, and what it says when it cannot mount.
#pragma once

int mount_main(int argc, char **argv);
