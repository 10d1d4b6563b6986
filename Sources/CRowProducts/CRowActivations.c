#include "CRowProducts.h"
#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))
#define INLINE static inline __attribute__((always_inline))

/* The functions of Activations.swift for 16 values: the same operations in the same order. */

INLINE AVX512 __m512 broadcast(float x) { return _mm512_set1_ps(x); }

/* a * b + c, rounded once. */
INLINE AVX512 __m512 multiply_add(__m512 a, __m512 b, float c) { return _mm512_fmadd_ps(a, b, broadcast(c)); }

INLINE AVX512 __m512 exponential(__m512 x) {
    x = _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, broadcast(88), _CMP_GT_OQ), broadcast(88));
    x = _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, broadcast(-87), _CMP_LT_OQ), broadcast(-87));
    const __m512 magic = broadcast(12582912), scaled = _mm512_mul_ps(x, broadcast(1.44269504f)), shifted = _mm512_add_ps(scaled, magic);
    const __m512 f = _mm512_sub_ps(scaled, _mm512_sub_ps(shifted, magic));
    __m512 p = broadcast(0.00132647269f);
    p = multiply_add(p, f, 0.0096715127f);
    p = multiply_add(p, f, 0.0555073374f);
    p = multiply_add(p, f, 0.240222421f);
    p = multiply_add(p, f, 0.693146978f);
    p = multiply_add(p, f, 1);
    const __m512i bits = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), bits));
}

INLINE AVX512 __m512 silu(__m512 x) {
    return _mm512_div_ps(x, _mm512_add_ps(exponential(_mm512_mul_ps(x, broadcast(-1))), broadcast(1)));
}

INLINE AVX512 __m512 gelu(__m512 x) {
    const __mmask16 is_negative = _mm512_cmp_ps_mask(x, broadcast(0), _CMP_LT_OQ);
    const __m512 z = _mm512_mul_ps(_mm512_mask_mul_ps(x, is_negative, x, broadcast(-1)), broadcast(0.707106781f));
    const __m512 t = _mm512_div_ps(broadcast(1), _mm512_add_ps(_mm512_mul_ps(z, broadcast(0.3275911f)), broadcast(1)));
    __m512 p = broadcast(1.061405429f);
    p = multiply_add(p, t, -1.453152027f);
    p = multiply_add(p, t, 1.421413741f);
    p = multiply_add(p, t, -0.284496736f);
    p = _mm512_mul_ps(multiply_add(p, t, 0.254829592f), t);
    const __m512 e = exponential(_mm512_mul_ps(_mm512_mul_ps(z, z), broadcast(-1)));
    const __m512 tail = _mm512_mul_ps(_mm512_mul_ps(p, e), broadcast(0.5f));
    return _mm512_mul_ps(x, _mm512_mask_mov_ps(_mm512_sub_ps(broadcast(1), tail), is_negative, tail));
}

#define EACH(i) for (int64_t i = 0; i < count; i += 16)

AVX512 void crow_silu(const float *x, int64_t count, float *out) { EACH(i) _mm512_storeu_ps(out + i, silu(_mm512_loadu_ps(x + i))); }

AVX512 void crow_gelu(const float *x, int64_t count, float *out) { EACH(i) _mm512_storeu_ps(out + i, gelu(_mm512_loadu_ps(x + i))); }

AVX512 void crow_silu_of_sum(const float *x, const float *residual, int64_t count, float *sum, float *out) {
    EACH(i) {
        const __m512 s = _mm512_add_ps(_mm512_loadu_ps(residual + i), _mm512_loadu_ps(x + i));
        _mm512_storeu_ps(sum + i, s);
        _mm512_storeu_ps(out + i, silu(s));
    }
}

AVX512 void crow_silu_of_mean(const float *x, const float *residual, const float *total, float factor, int64_t count, float *out) {
    EACH(i) {
        const __m512 s = _mm512_add_ps(_mm512_loadu_ps(residual + i), _mm512_loadu_ps(x + i));
        _mm512_storeu_ps(out + i, silu(_mm512_mul_ps(_mm512_add_ps(_mm512_loadu_ps(total + i), s), broadcast(factor))));
    }
}
#else
void crow_silu(const float *x, int64_t count, float *out) { __builtin_trap(); }
void crow_gelu(const float *x, int64_t count, float *out) { __builtin_trap(); }
void crow_silu_of_sum(const float *x, const float *residual, int64_t count, float *sum, float *out) { __builtin_trap(); }
void crow_silu_of_mean(const float *x, const float *residual, const float *total, float factor, int64_t count, float *out) { __builtin_trap(); }
#endif
