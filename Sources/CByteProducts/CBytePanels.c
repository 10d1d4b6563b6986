#include "CByteProducts.h"
#include <math.h>
#include <string.h>

/* Products are rounded before they are added, whatever the compiler likes better. */
#pragma STDC FP_CONTRACT OFF

int cbyte_has_panels(void) { return cbyte_engine() == 2; }

#if defined(__x86_64__)
#include <immintrin.h>

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline))
/* Whole: sums that a loop goes over are no registers. */
#define EACH(i, count) _Pragma("GCC unroll 12") for (int i = 0; i < count; i++)

/* Which lanes of a panel's lower (0) or upper half have rows. */
INLINE __mmask16 rows_of(int rows, int half) {
    const int there = rows - 16 * half;
    return there >= 16 ? 0xFFFF : there <= 0 ? 0 : (__mmask16)((1 << there) - 1);
}

VNNI void cbyte_pack_panel(const int8_t *weights, int64_t row_bytes, int rows, int64_t columns, uint8_t *panel) {
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    for (int half = 0; half < 2; half++) {
        const __mmask16 mask = rows_of(rows, half);
        int32_t offsets[16];
        for (int r = 0; r < 16; r++) offsets[r] = (int32_t)(r * row_bytes);
        const __m512i places = _mm512_loadu_si512(offsets);
        const int8_t *from = weights + (mask ? 16 * half * row_bytes : 0);
        uint8_t *to = panel + 64 * half;
        for (int64_t c = 0; c < columns; c += 4, to += 4 * CBYTE_PANEL_ROWS)
            _mm512_store_si512(to, _mm512_xor_si512(_mm512_mask_i32gather_epi32(_mm512_setzero_si512(), mask, places, from + c, 1), sign));
    }
}

/* Sixteen of `left` numbers that are left. */
INLINE VNNI __m512 next_of(const float *x, int64_t left) {
    return left >= 16 ? _mm512_loadu_ps(x) : left <= 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps((__mmask16)((1 << left) - 1), x);
}

VNNI void cbyte_round_groups(const float *x, int64_t count, int64_t padded, int8_t *numbers, float *units, int32_t *offsets) {
    for (int64_t first = 0; first < padded; first += CBYTE_GROUP) {
        const int64_t end = first + CBYTE_GROUP < padded ? first + CBYTE_GROUP : padded;
        __m512 largest = _mm512_setzero_ps();
        __mmask16 unordered = 0;
        for (int64_t c = first; c < end; c += 16) {
            const __m512 a = _mm512_abs_ps(next_of(x + c, count - c));
            largest = _mm512_max_ps(a, largest);
            unordered |= _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
        }
        const float most = unordered ? NAN : _mm512_reduce_max_ps(largest);
        const __m512 inverse = _mm512_set1_ps(most > 0 ? 127 / most : 0);
        __m512i sums = _mm512_setzero_si512();
        for (int64_t c = first; c < end; c += 16) {
            __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(next_of(x + c, count - c), inverse));
            q = _mm512_max_epi32(_mm512_min_epi32(q, _mm512_set1_epi32(127)), _mm512_set1_epi32(-127));   /* what is not finite, too */
            sums = _mm512_add_epi32(sums, q);
            _mm_storeu_si128((__m128i *)(numbers + c), _mm512_cvtepi32_epi8(q));
        }
        *units++ = most / 127;
        *offsets++ = -128 * _mm512_reduce_add_epi32(sums);
    }
}

/* Written out: the compiler makes two instructions of it, to shorten chains that are no matter here, and half the speed is lost. */
INLINE VNNI void add_products(__m512i *sum, __m512i weights, __m512i numbers) { __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(weights), "v"(numbers)); }

/* Sixteen of a vector's sums become results. */
INLINE VNNI void put(const struct cbyte_panel_tile *t, int v, int half, __m512 sums) {
    const __mmask16 mask = rows_of(t->rows, half);
    if (t->scales) sums = _mm512_mul_ps(sums, _mm512_maskz_loadu_ps(mask, t->scales + 16 * half));
    _mm512_mask_storeu_ps(t->out + v * t->out_stride + 16 * half, mask, sums);
}

INLINE VNNI void products(const struct cbyte_panel_tile *t, const uint8_t *panel, const int count) {
    const int64_t stride = t->vector_stride;
    /* Three vectors for a pointer: all addresses are of a pointer and a multiple of the stride. */
    const int8_t *x[CBYTE_PANEL_VECTORS / 3];
    EACH(v, count) if (v % 3 == 0) x[v / 3] = t->vectors + v * stride;
    __m512 totals[CBYTE_PANEL_VECTORS][2];
    for (int64_t first = 0, g = 0; first < t->columns; first += CBYTE_GROUP, g++) {
        const int64_t end = first + CBYTE_GROUP < t->columns ? first + CBYTE_GROUP : t->columns;
        __m512i s[CBYTE_PANEL_VECTORS][2];
        EACH(v, count) s[v][0] = s[v][1] = _mm512_set1_epi32(t->offsets[v * t->group_stride + g]);
        for (int64_t c = first; c < end; c += 4, panel += 4 * CBYTE_PANEL_ROWS) {
            const __m512i low = _mm512_load_si512(panel), high = _mm512_load_si512(panel + 64);
            EACH(v, count) {
                int32_t four;
                memcpy(&four, x[v / 3] + v % 3 * stride + c, sizeof four);
                const __m512i numbers = _mm512_set1_epi32(four);
                add_products(&s[v][0], low, numbers);
                add_products(&s[v][1], high, numbers);
            }
        }
        EACH(v, count) {
            const __m512 unit = _mm512_set1_ps(t->units[v * t->group_stride + g]);
            for (int half = 0; half < 2; half++) {
                __m512 part = _mm512_mul_ps(_mm512_cvtepi32_ps(s[v][half]), unit);
                if (g > 0) part = _mm512_add_ps(totals[v][half], part);
                else if (!t->is_first) part = _mm512_add_ps(_mm512_maskz_loadu_ps(rows_of(t->rows, half), t->out + v * t->out_stride + 16 * half), part);
                totals[v][half] = part;
            }
        }
    }
    EACH(v, count) {
        put(t, v, 0, totals[v][0]);
        put(t, v, 1, totals[v][1]);
    }
}

#define CASE(n) case n: products(t, panel, n); return;

VNNI void cbyte_panel_products(const struct cbyte_panel_tile *t, const uint8_t *panel) {
    switch (t->count) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
    }
}
#else
void cbyte_pack_panel(const int8_t *weights, int64_t row_bytes, int rows, int64_t columns, uint8_t *panel) { __builtin_trap(); }
void cbyte_round_groups(const float *x, int64_t count, int64_t padded, int8_t *numbers, float *units, int32_t *offsets) { __builtin_trap(); }
void cbyte_panel_products(const struct cbyte_panel_tile *t, const uint8_t *panel) { __builtin_trap(); }
#endif
