/* The reference C library as a program: for each byte of its input one Argon2id hash, whose tag it writes.
   The inputs are those of benches/src/argon2id.rs. */
#include <string.h>
#include <unistd.h>

#include "argon2.h"

int main(void) {
    char password[] = "correct horse battery staple";
    uint8_t salt[16], pepper[32], tag[32];
    char asked;
    memset(salt, 9, sizeof salt);
    memset(pepper, 7, sizeof pepper);
    while (read(STDIN_FILENO, &asked, 1) == 1) {
        argon2_context context = {
            .out = tag,
            .outlen = sizeof tag,
            .pwd = (uint8_t *)password,
            .pwdlen = sizeof password - 1,
            .salt = salt,
            .saltlen = sizeof salt,
            .secret = pepper,
            .secretlen = sizeof pepper,
            .t_cost = 2,
            .m_cost = 19 * 1024,
            .lanes = 1,
            .threads = 1,
            .version = ARGON2_VERSION_13,
            .flags = ARGON2_DEFAULT_FLAGS,
        };
        if (argon2id_ctx(&context) != ARGON2_OK) return 1;
        if (write(STDOUT_FILENO, tag, sizeof tag) != (ssize_t)sizeof tag) return 1;
    }
    return 0;
}
