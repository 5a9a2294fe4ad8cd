#include "hooks/deliveries/url.h"

#include <curl/curl.h>
#include <errno.h>
#include <strings.h>

static void get(CURLU *handle, CURLUPart part, char **value)
{
    if (curl_url_get(handle, part, value, 0) != CURLUE_OK)
        *value = NULL;
}

int url_read(struct url *u, const char *text, const char *member, const char *example, struct reason *why)
{
    *u = (struct url){0};
    CURLU *handle = curl_url();
    if (!handle)
        return -ENOMEM;
    if (text && curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        get(handle, CURLUPART_SCHEME, &u->scheme);
        get(handle, CURLUPART_HOST, &u->host);
        get(handle, CURLUPART_USER, &u->user);
        get(handle, CURLUPART_PASSWORD, &u->password);
        get(handle, CURLUPART_PORT, &u->port);
        get(handle, CURLUPART_PATH, &u->path);
        get(handle, CURLUPART_QUERY, &u->query);
    }
    curl_url_cleanup(handle);
    if (!u->scheme || !u->host)
        return reason_set(why, -EINVAL, "%s must be one like %s", member, example);
    if (strcasecmp(u->scheme, "http") && strcasecmp(u->scheme, "https"))
        return reason_set(why, -EINVAL, "%s must begin with https:// or http://, not %.20s://", member, u->scheme);
    return 0;
}

void url_free(struct url *u)
{
    curl_free(u->scheme);
    curl_free(u->user);
    curl_free(u->password);
    curl_free(u->host);
    curl_free(u->port);
    curl_free(u->path);
    curl_free(u->query);
    *u = (struct url){0};
}

void url_add_origin(struct bytes *out, const struct url *u)
{
    bytes_printf(out, "%s://%s%s%s", u->scheme, u->host, u->port ? ":" : "", u->port ? u->port : "");
}
