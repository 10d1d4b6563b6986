#ifndef CONEDNN_H
#define CONEDNN_H
#include <stddef.h>
#include <stdint.h>

/* oneDNN's product of bfloat16 matrices, found when the program runs: no package of it is needed to build or to start.
 * The function is exported by its releases 2 and 3, with BLAS's arguments and rows stored one after the other. */

/* Loads the library; returns 0, or -1 with the reason in `problem`. */
int conednn_open(const char *library, char *problem, size_t size);

/* C[m, n] = alpha op(A) op(B) + beta C on the calling thread alone; op is 'N' (as stored) or 'T' (transposed), the strides are
 * of rows as stored. Inputs are bfloat16 bits, sums are float32. Returns 0, or the library's status: 1 out of memory,
 * 2 arguments, 3 not implemented here. */
int conednn_product(char op_a, char op_b, int64_t m, int64_t n, int64_t k, float alpha, const uint16_t *a, int64_t lda,
                    const uint16_t *b, int64_t ldb, float beta, float *c, int64_t ldc);

#endif
