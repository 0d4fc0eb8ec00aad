// SPDX-License-Identifier: Apache-2.0

// A job for scripts/bench: opens, closes and looks at one file N times. Three system calls a round and hardly any work
// of its own, so that what watching costs is nearly all there is.
//
// Usage: files ROUNDS FILE

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: files ROUNDS FILE\n");
        return 2;
    }
    for (long round = atol(argv[1]); round > 0; round--) {
        struct stat about;
        int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
        if (fd < 0 || close(fd) != 0 || stat(argv[2], &about) != 0) {
            perror(argv[2]);
            return 1;
        }
    }
    return 0;
}
