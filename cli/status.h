// factfs status: how the tenants of a mount are: alerts, metrics, and the health of every hook.
#pragma once

int status_main(int argc, char **argv);
