/* The control messages in a buffer, as the macros of the C library see them (cmsg(3)). src/macros.rs compares. */

#include <stddef.h>
#include <sys/socket.h>

struct found {
    size_t offset; /* of the header in the buffer */
    size_t len;    /* cmsg_len */
    int level;
    int kind;
    size_t data; /* the offset of CMSG_DATA */
};

/* Writes at most `most` messages to `found`, and returns how many there are. */
size_t ipv6_fuzz_walk(void *control, size_t size, struct found *found, size_t most)
{
    struct msghdr header = {.msg_control = control, .msg_controllen = size};
    size_t count = 0;
    for (struct cmsghdr *message = CMSG_FIRSTHDR(&header); message; message = CMSG_NXTHDR(&header, message)) {
        if (count < most) {
            found[count].offset = (size_t)((unsigned char *)message - (unsigned char *)control);
            found[count].len = message->cmsg_len;
            found[count].level = message->cmsg_level;
            found[count].kind = message->cmsg_type;
            found[count].data = (size_t)(CMSG_DATA(message) - (unsigned char *)control);
        }
        count++;
    }
    return count;
}

size_t ipv6_fuzz_len(size_t data)
{
    return CMSG_LEN(data);
}

size_t ipv6_fuzz_space(size_t data)
{
    return CMSG_SPACE(data);
}
