/* A program of a user of the library; it needs no server. */
#include <roomhook/producer.h>
#include <stdio.h>
#include <string.h>

static int check_event(void)
{
    static const char document[] = "{\"message\":{\"roomId\":438}}";
    struct rh_event event = {
        .encoding = RH_JSON, .document = document, .document_len = strlen(document)};
    char why[128] = "";
    int status = rh_event_check(&event, why, sizeof(why));
    if (status != RH_OK)
        fprintf(stderr, "%s: %s\n", rh_status_text(status), why);
    return status;
}

int main(void)
{
    struct rh_producer_options options = {.queue = "webhooks"};
    struct rh_producer *producer = NULL;
    int status = rh_producer_open(&options, &producer);
    if (status != RH_OK)
        fprintf(stderr, "%s\n", rh_status_text(status));
    rh_producer_close(producer);
    if (status != RH_OK || check_event() != RH_OK)
        return 1;
    printf("roomhook %s\n", RH_VERSION);
    return 0;
}
