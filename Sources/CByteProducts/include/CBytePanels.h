#ifndef C_BYTE_PANELS_H
#define C_BYTE_PANELS_H
#include <stdint.h>

/* Products of many vectors with rows of 8-bit weights, for prompts: 32 rows side by side in vectors of AVX-512, so that nothing is
   added up across a vector. Vectors are of 8 bits too, with a unit for each CBYTE_GROUP columns: the instruction takes twice as
   many products of such as of 16 bits. The sums of a group are exact. */

/* Rows of a panel, and vectors that meet one in a call at most: their sums are 24 of the 32 registers. */
#define CBYTE_PANEL_ROWS 32
#define CBYTE_PANEL_VECTORS 12
/* Columns that share a unit of a vector. */
#define CBYTE_GROUP 64

/* Whether panels are used: with AVX512-VNNI alone. */
int cbyte_has_panels(void);

/* Puts up to CBYTE_PANEL_ROWS rows of `columns` (as in cbyte_tile) into `panel`, [columns / 4][CBYTE_PANEL_ROWS][4] at a multiple of 64
   bytes: each weight plus 128; rows that are not there are zeros and yield nothing. */
void cbyte_pack_panel(const int8_t *weights, int64_t row_bytes, int rows, int64_t columns, uint8_t *panel);

/* A vector of `padded` columns, a multiple of CBYTE_STEP: x in units of each group's largest magnitude / 127, rounded half to even, 0
   from `count` on; each group's unit, and its offset, -128 times the sum of its numbers: what the 128 of the weights adds. What is not
   finite makes its group's unit so. */
void cbyte_round_groups(const float *x, int64_t count, int64_t padded, int8_t *numbers, float *units, int32_t *offsets);

/* Up to CBYTE_PANEL_VECTORS vectors, and up to CBYTE_PANEL_ROWS rows in a panel. Vectors lie `vector_stride` bytes apart, the units and
   the offsets of their groups `group_stride` numbers. */
struct cbyte_panel_tile {
    int rows, count;
    int64_t columns;            /* a multiple of CBYTE_STEP up to CBYTE_BLOCK; the first of a group comes first */
    const int8_t *vectors;
    int64_t vector_stride;
    const float *units;
    const int32_t *offsets;
    int64_t group_stride;
    const float *scales;        /* one for each row, or NULL: more columns are to come */
    int is_first;               /* whether `out` holds nothing yet */
    float *out;
    int64_t out_stride;
};

/* out[v * out_stride + r] (+)= for one group after the other its unit times the sum over its columns of weight r times vector v, then
   times scales[r]. */
void cbyte_panel_products(const struct cbyte_panel_tile *tile, const uint8_t *panel);

#endif
