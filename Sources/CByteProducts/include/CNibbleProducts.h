#ifndef C_NIBBLE_PRODUCTS_H
#define C_NIBBLE_PRODUCTS_H
#include <stdint.h>

/* Products of rows of 4-bit weights with vectors of 8-bit numbers, summed exactly over groups of 32 columns.

   A weight is one of sixteen levels times the scale of its group, times the scale of its row. Of a vector each group has a unit of
   its own. Both lie in blocks of CNIBBLE_BLOCK columns or what is left:
   - a row's block: the scales of its groups as float16; then 32 bytes for each 64 columns, whose lower halves are the numbers of the
     levels of the first 32, the upper ones those of the other;
   - a vector's block: its numbers; its groups' units; the corrections, which are -64 times a group's unit and the sum of its numbers,
     since levels are multiplied as level + 64. */

#define CNIBBLE_BLOCK 512
#define CNIBBLE_GROUP 32
/* Rows and vectors are whole steps of so many columns. */
#define CNIBBLE_STEP 64
#define CNIBBLE_ROW_BYTES(columns) ((columns) / CNIBBLE_GROUP * 18)
#define CNIBBLE_VECTOR_BYTES(columns) ((columns) / CNIBBLE_GROUP * 40)

/* The level of a number from 0 to 15: from -63 to 63, dense in the middle as weights are. The eighth is 0. */
int cnibble_level(int number);

struct cnibble_tile {
    const uint8_t *weights;
    int64_t row_bytes;
    int rows;
    const uint8_t *vectors;
    int64_t vector_bytes;
    int count;                  /* up to three */
    int64_t columns;
    const float *scales;        /* one for each row */
    float *out;
    int64_t out_stride;
};

/* out[v * out_stride + r] = scales[r] times the sum over groups of scale * unit * the exact sum over its columns of level * number.
   Groups are added up in one order, in eight lanes: results depend neither on the engine nor on the company. */
void cnibble_products(const struct cnibble_tile *tile);

/* The same sum of a single row and a single vector, without the row's scale; asks for what lies ahead in memory. */
float cnibble_product(const uint8_t *row, const uint8_t *vector, int64_t columns);

/* A vector of `padded` columns: x rounded half to even to 8 bits, in units of a group's largest magnitude / 127; 0 from `count` on.
   What is not finite makes its group's unit so. */
void cnibble_round(const float *x, int64_t count, int64_t padded, uint8_t *out);

/* Goes along with `cbyte_use_engine`. */
void cnibble_use_engine(int engine);

#endif
