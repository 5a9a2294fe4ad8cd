// The web server of a mount: so far it answers `GET /metrics` to Prometheus (exposition.h). One thread, by
// libwebsockets; nobody waits for it, and it waits for nothing but a tenant that must be opened. At most
// SERVER_CONNECTIONS clients at a time; one that is slow, or says what is no HTTP, is dropped.
#pragma once

#include "store/exporter.h"

#define SERVER_PORT_USUAL  9464
#define SERVER_CONNECTIONS 32

struct server_options {
    char address[64]; // numeric
    int port;         // 0: there is no server
};

// Reads `PORT`, `ADDRESS` or `ADDRESS:PORT`, an IPv6 address in brackets; without an address it is this machine alone.
// 0, or -EINVAL with the reason.
int server_read_options(struct server_options *options, const char *text, struct reason *why);

// Opened with server_options; -EADDRINUSE and the like are said then.
extern const struct exporter server_exporter;
