#include "CRowProducts.h"
#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))
#define INLINE static inline __attribute__((always_inline))
#define EACH(i, count) _Pragma("GCC unroll 16") for (int i = 0; i < count; i++)
#define WIDE (2 * 16)

/* Columns of a 16 x 16 block become its rows. */
INLINE AVX512 void transpose(__m512 *r) {
    __m512 t[16];
    EACH(i, 8) {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    EACH(i, 4) EACH(h, 2) {
        __m512d a = _mm512_castps_pd(t[4 * i + h]), b = _mm512_castps_pd(t[4 * i + h + 2]);
        r[4 * i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
        r[4 * i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    }
    EACH(i, 4) EACH(h, 2) {
        t[8 * h + i] = _mm512_shuffle_f32x4(r[8 * h + i], r[8 * h + i + 4], 0x88);
        t[8 * h + i + 4] = _mm512_shuffle_f32x4(r[8 * h + i], r[8 * h + i + 4], 0xdd);
    }
    EACH(i, 8) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    }
}

/* 16 numbers, of bfloat16 when `half`. */
INLINE AVX512 __m512 numbers(const void *w, int64_t place, const int half) {
    if (!half) return _mm512_loadu_ps((const float *)w + place);
    __m256i bits = _mm256_loadu_si256((const void *)((const uint16_t *)w + place));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

INLINE float number(const void *w, int64_t place, const int half) {
    if (!half) return ((const float *)w)[place];
    uint32_t bits = (uint32_t)((const uint16_t *)w)[place] << 16;
    float x;
    __builtin_memcpy(&x, &bits, 4);
    return x;
}

AVX512 void crow_pack_rows(const float *x, int64_t stride, int rows, int64_t depth, float *packed) {
    int64_t d = 0;
    for (; d + 16 <= depth; d += 16, packed += 16 * CROW_ROWS) {
        __m512 block[16];
        EACH(r, 16) block[r] = r < rows ? _mm512_loadu_ps(x + r * stride + d) : _mm512_setzero_ps();
        transpose(block);
        EACH(i, 16) _mm512_mask_storeu_ps(packed + i * CROW_ROWS, (1 << CROW_ROWS) - 1, block[i]);
    }
    for (; d < depth; d++, packed += CROW_ROWS)
        for (int r = 0; r < CROW_ROWS; r++) packed[r] = r < rows ? x[r * stride + d] : 0;
}

INLINE AVX512 void pack_across(
    const void *w, const int half, int64_t stride, int columns, int64_t depth, float *panel) {
    int64_t d = 0;
    for (; d + 16 <= depth; d += 16, panel += 16 * WIDE)
        for (int h = 0; h < WIDE; h += 16) {
            __m512 block[16];
            EACH(c, 16) block[c] = h + c < columns ? numbers(w, (h + c) * stride + d, half) : _mm512_setzero_ps();
            transpose(block);
            EACH(i, 16) _mm512_storeu_ps(panel + i * WIDE + h, block[i]);
        }
    for (; d < depth; d++, panel += WIDE)
        for (int c = 0; c < WIDE; c++) panel[c] = c < columns ? number(w, c * stride + d, half) : 0;
}

INLINE AVX512 void pack_along(
    const void *w, const int half, int64_t stride, int columns, int64_t depth, float *panel) {
    for (int64_t d = 0; d < depth; d++, panel += WIDE) {
        int c = 0;
        for (; c + 16 <= columns; c += 16) _mm512_storeu_ps(panel + c, numbers(w, d * stride + c, half));
        for (; c < WIDE; c++) panel[c] = c < columns ? number(w, d * stride + c, half) : 0;
    }
}

AVX512 void crow_pack_panel(
    const void *w, int half, int across, int64_t stride, int columns, int64_t depth, float *panel) {
    if (across && half) pack_across(w, 1, stride, columns, depth, panel);
    else if (across) pack_across(w, 0, stride, columns, depth, panel);
    else if (half) pack_along(w, 1, stride, columns, depth, panel);
    else pack_along(w, 0, stride, columns, depth, panel);
}

/* One function for each number of rows, so that the sums are registers. */
INLINE AVX512 void product(
    const int rows, const float *packed, const float *panel, int64_t depth, int adds, float *y, int64_t stride,
    const __mmask16 left, const __mmask16 right, const float *next) {
    __m512 s[CROW_ROWS][2];
    EACH(r, rows) s[r][0] = s[r][1] = _mm512_setzero_ps();
    for (int64_t d = 0; d < depth; d++, packed += CROW_ROWS, panel += WIDE, next += CROW_ROWS) {
        /* The panel comes from the second cache; the next rows from one that is farther. */
        _mm_prefetch((const char *)(panel + 8 * WIDE), _MM_HINT_T0);
        _mm_prefetch((const char *)(panel + 8 * WIDE + 16), _MM_HINT_T0);
        _mm_prefetch((const char *)next, _MM_HINT_T0);
        __m512 a = _mm512_loadu_ps(panel), b = _mm512_loadu_ps(panel + 16);
        EACH(r, rows) {
            __m512 x = _mm512_set1_ps(packed[r]);
            s[r][0] = _mm512_fmadd_ps(x, a, s[r][0]);
            s[r][1] = _mm512_fmadd_ps(x, b, s[r][1]);
        }
    }
    if (adds) EACH(r, rows) {
        s[r][0] = _mm512_add_ps(_mm512_maskz_loadu_ps(left, y + r * stride), s[r][0]);
        s[r][1] = _mm512_add_ps(_mm512_maskz_loadu_ps(right, y + r * stride + 16), s[r][1]);
    }
    EACH(r, rows) {
        _mm512_mask_storeu_ps(y + r * stride, left, s[r][0]);
        _mm512_mask_storeu_ps(y + r * stride + 16, right, s[r][1]);
    }
}

#define CASE(n) case n: product(n, packed, panel, depth, adds, y, stride, left, right, next); return;

AVX512 void crow_packed_product(
    const float *packed, int rows, const float *panel, int columns, int64_t depth, int adds, float *y, int64_t stride,
    const float *next) {
    const uint32_t mask = columns < WIDE ? (1u << columns) - 1 : ~0u;
    const __mmask16 left = mask & 0xFFFF, right = mask >> 16;
    switch (rows) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
    }
}
#else
void crow_pack_rows(const float *x, int64_t stride, int rows, int64_t depth, float *packed) { __builtin_trap(); }
void crow_pack_panel(
    const void *w, int half, int across, int64_t stride, int columns, int64_t depth, float *panel) { __builtin_trap(); }
void crow_packed_product(
    const float *packed, int rows, const float *panel, int columns, int64_t depth, int adds, float *y, int64_t stride,
    const float *next) { __builtin_trap(); }
#endif
