#ifndef C_ROW_PRODUCTS_H
#define C_ROW_PRODUCTS_H
#include <stdint.h>

/* Products of rows with panels of 16 columns, in the vectors of AVX-512: C, because the Swift around it is compiled for processors
   that need not have them. */

/* Rows and panels that one call takes at most: their sums are 24 of the 32 registers. */
#define CROW_ROWS 12
#define CROW_PANELS 2

/* Whether this processor and the system have them, and they are used. */
int crow_is_used(void);

/* Does without them (0) or takes them again (1), for tests; -1 where there are none. */
int crow_use(int wanted);

/* What a tile is made of. Counts are of floats. */
struct crow_factors {
    const float *input;         /* the first row's first tap */
    int64_t stride;             /* from a row to the next */
    int64_t taps, depth;
    int64_t tap_stride;         /* from a tap to the next */
    const float *weights;       /* a panel: [taps * depth][16] */
    int64_t panel_stride;       /* from a panel to the next */
    const float *bias;          /* [panels][16] */
    int64_t row_stride, sum_stride;     /* of the result: from a row to the next, and from a panel's sums to the next's */
    const void *next;           /* what will be read next, prefetched on the way: `next_step` bytes for each d; any address */
    int64_t next_step;
};

/* sums[r * row_stride + p * sum_stride + c] = bias[p][c] + the sum over taps t and d < depth of
   input[r * stride + t * tap_stride + d] * weights[p][t * depth + d][c], one chain of fused multiply-and-adds in this order. */
void crow_products(const struct crow_factors *factors, int rows, int panels, float *sums);

/* Products of two factors that were both packed. A panel here has 32 columns. */

/* packed[d][CROW_ROWS]: up to CROW_ROWS rows side by side, zeros in place of those that there are not. */
void crow_pack_rows(const float *x, int64_t stride, int rows, int64_t depth, float *packed);

/* panel[d][32]: up to 32 columns of a matrix of float32, or of bfloat16 when `half`; zeros beside them. Element d of
   column c lies at w[c * stride + d] when `across`, else at w[d * stride + c]. */
void crow_pack_panel(const void *w, int half, int across, int64_t stride, int columns, int64_t depth, float *panel);

/* y[r * stride + c] = the sum over d of packed[d][r] * panel[d][c], one chain of fused multiply-and-adds, and what was there when it
   `adds`. `next`: the rows that will be multiplied next, prefetched on the way; any address. */
void crow_packed_product(
    const float *packed, int rows, const float *panel, int columns, int64_t depth, int adds, float *y, int64_t stride,
    const float *next);

/* `FastConvolution`'s two ways, for one unit of `width` columns, a multiple of 16, and `groups` of four taps, 1 to 3: bit for bit as
   there. Input rows lie `step` floats apart; a unit has one row in each of its points' planes, which lie `plane` floats apart. */

/* From input rows to the planes. */
void crow_evaluate(const float *input, int64_t step, int groups, int64_t width, float *planes, int64_t plane);

/* From the planes, with bias[width], to `rows` [4][width], or [8][width] of more than one group. */
void crow_interpolate(const float *planes, int64_t plane, int groups, int64_t width, const float *bias, float *rows);

/* What follows products, `count` columns at a time, a multiple of 16: bit for bit as RowEpilogues.swift has it. */

/* out = silu(x). */
void crow_silu(const float *x, int64_t count, float *out);

/* out = gelu(x). */
void crow_gelu(const float *x, int64_t count, float *out);

/* sum = residual + x, out = silu(sum). */
void crow_silu_of_sum(const float *x, const float *residual, int64_t count, float *sum, float *out);

/* out = silu((total + (residual + x)) * factor). */
void crow_silu_of_mean(const float *x, const float *residual, const float *total, float factor, int64_t count, float *out);

#endif
