#ifndef C_BYTE_PANELS_H
#define C_BYTE_PANELS_H
#include <stdint.h>

/* Products of many vectors with rows of 8-bit weights, for prompts: 32 rows side by side in vectors of AVX-512, so that nothing is
   added up across a vector. The sums are exact, and so the same as those of cbyte_products. */

struct cbyte_tile;

/* Rows of a panel, and vectors that meet one in a call at most: their sums are 24 of the 32 registers. */
#define CBYTE_PANEL_ROWS 32
#define CBYTE_PANEL_VECTORS 12

/* Whether panels are used: with AVX512-VNNI alone. */
int cbyte_has_panels(void);

/* Puts up to CBYTE_PANEL_ROWS rows of `columns` (as in cbyte_tile) into `panel`, [columns / 2][CBYTE_PANEL_ROWS][2] at a multiple of 64
   bytes; rows that are not there are zeros. */
void cbyte_pack_panel(const int8_t *weights, int64_t row_bytes, int rows, int64_t columns, int16_t *panel);

/* What cbyte_products does, with up to CBYTE_PANEL_ROWS rows in a panel in place of the tile's weights, and up to CBYTE_PANEL_VECTORS
   vectors. */
void cbyte_panel_products(const struct cbyte_tile *tile, const int16_t *panel);

#endif
