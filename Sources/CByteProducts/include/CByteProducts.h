#ifndef C_BYTE_PRODUCTS_H
#define C_BYTE_PRODUCTS_H
#include <stdint.h>

/* Products of rows of 8-bit weights with vectors of 16-bit numbers, summed exactly in 32 bits: C, because a compiler gives these
   instructions of a processor only to those who name them. */

/* How far ahead of a single row's reading memory is fetched, in bytes. */
#define CBYTE_PREFETCH_DISTANCE 3072

/* Of a line that will be read; any address. */
static inline void cbyte_prefetch(const void *place) { __builtin_prefetch(place); }

/* Columns that one call sums at most: 512 * 127 * 32767 is below 2^31. */
#define CBYTE_BLOCK 512
/* Rows and vectors are whole steps of so many columns; both may be read up to there. */
#define CBYTE_STEP 32

/* What `cbyte_products` uses on this processor: 0 plain C, 1 AVX2, 2 AVX512 with VNNI. */
int cbyte_engine(void);

/* Takes another of them, for tests: those that this processor has not are refused (-1). */
int cbyte_use_engine(int engine);

/* Vectors that one call takes at most: as many as have registers for their sums. */
int cbyte_vectors(void);

/* Up to four rows, up to cbyte_vectors() vectors. */
struct cbyte_tile {
    const int8_t *weights;
    int64_t row_bytes;
    int rows;
    const int16_t *vectors;
    int64_t vector_stride;
    int count;
    int64_t columns;            /* a multiple of CBYTE_STEP up to CBYTE_BLOCK */
    const float *units;         /* one for each vector, unit_stride apart */
    int64_t unit_stride;
    const float *scales;        /* one for each row, or NULL: more columns are to come */
    int is_first;               /* whether `out` holds nothing yet */
    float *out;
    int64_t out_stride;
};

/* out[v * out_stride + r] (+)= units[v * unit_stride] * the sum over columns of weights[r * row_bytes + c] * vectors[v * vector_stride + c],
   then times scales[r]. Weights are from -127 to 127, vectors from -32767. */
void cbyte_products(const struct cbyte_tile *tile);

/* The sum alone of a single row and a single vector, for rows that come from memory one after the other: asks for what lies ahead. */
int32_t cbyte_product(const int8_t *weights, const int16_t *vector, int64_t columns);

/* out[i] = x[i] in units of the largest magnitude / 32767, rounded half to even, 0 from `count` up to `padded`. Returns the unit; 0
   for zeros. What is not finite makes the unit so. */
float cbyte_round(const float *x, int64_t count, int64_t padded, int16_t *out);

/* Many vectors at a time. */
#include "CBytePanels.h"

/* Weights of half a byte. */
#include "CNibbleProducts.h"

#endif
