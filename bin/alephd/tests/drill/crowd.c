/*
 * Connections that say nothing, from a process of their own: crowd PORT COUNT.
 *
 * Prints how many are open when no more are coming, and keeps them until its standard input ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words) {
    struct rlimit limit;
    struct sockaddr_in node = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char byte;
    int open = 0;
    if (count != 3) return 2;
    node.sin_port = htons(atoi(words[1]));
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    for (; open < atoi(words[2]); open++) {
        int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
        if (socket_fd < 0 || connect(socket_fd, (struct sockaddr *)&node, sizeof node) != 0) break;
    }
    printf("%d\n", open);
    fflush(stdout);
    while (read(0, &byte, 1) > 0) {}
    return 0;
}
