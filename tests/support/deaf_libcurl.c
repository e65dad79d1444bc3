/*
 * Loaded into a worker by LD_PRELOAD: a libcurl that is told of a callback to open sockets, says
 * that all is well, and never asks it. For flow/hostile/test_addresses.py.
 */
#define _GNU_SOURCE 1
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>

#undef curl_easy_setopt

/* A value is a pointer or a number of 64 bits, so that both are taken and given in one way. */
__attribute__((visibility("default"))) CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    static CURLcode (*set)(CURL *, CURLoption, ...);
    va_list values;
    void *value;

    va_start(values, option);
    value = va_arg(values, void *);
    va_end(values);
    if (option == CURLOPT_OPENSOCKETFUNCTION)
        return CURLE_OK;
    if (set == NULL)
        *(void **)&set = dlsym(RTLD_NEXT, "curl_easy_setopt");
    return set(easy, option, value);
}
