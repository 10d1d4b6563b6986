#include "CNibbleProducts.h"
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Results must not depend on which of these functions gave them: multiplying and adding is fused where it says so, nowhere else. */
#pragma STDC FP_CONTRACT OFF

/* The quantiles of a normal distribution that Dettmers et al. (QLoRA, 2023, appendix E) call NF4, in units of 1/63; plus 64. */
static const uint8_t levels[16] = {1, 20, 31, 39, 46, 52, 58, 64, 69, 74, 80, 85, 92, 99, 110, 127};

int cnibble_level(int number) { return levels[number & 15] - 64; }

#define INLINE static inline __attribute__((always_inline))

static float half(const uint8_t *bytes) {
    uint16_t bits;
    memcpy(&bits, bytes, 2);
    uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    /* Scales are neither negative nor infinite. */
    return exponent == 0 ? ldexpf((float)fraction, -24) : ldexpf((float)(fraction | 1024), (int)exponent - 25);
}

static float number(const uint8_t *bytes) {
    float value;
    memcpy(&value, bytes, 4);
    return value;
}

/* The lanes' sum, in the order of a vector's halves. */
static float plain_total(const float *x) {
    float four[4];
    for (int l = 0; l < 4; l++) four[l] = x[l] + x[l + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* The lanes of even and of odd groups, with a block more in them. */
static void plain_block(const uint8_t *block, const uint8_t *x, int64_t columns, float *even, float *odd) {
    const int groups = (int)(columns / CNIBBLE_GROUP);
    const uint8_t *nibbles = block + 2 * groups, *units = x + columns, *corrections = units + 4 * groups;
    for (int g = 0; g < groups; g++) {
        float *lanes = g < 8 ? even : odd;
        lanes[g % 8] = fmaf(half(block + 2 * g), number(corrections + 4 * g), lanes[g % 8]);
    }
    for (int g = 0; g < groups; g++) {
        const float factor = half(block + 2 * g) * number(units + 4 * g);
        float *lanes = g % 2 ? odd : even;
        for (int l = 0; l < 8; l++) {
            int32_t sum = 0;
            for (int c = 4 * l; c < 4 * l + 4; c++)
                sum += levels[nibbles[g / 2 * 32 + c] >> (g % 2 * 4) & 15] * (int32_t)(int8_t)x[g * 32 + c];
            lanes[l] = fmaf((float)sum, factor, lanes[l]);
        }
    }
}

static float plain_sum(const uint8_t *row, const uint8_t *x, int64_t columns) {
    float even[8] = {0}, odd[8] = {0};
    for (; columns > 0; columns -= CNIBBLE_BLOCK, row += CNIBBLE_ROW_BYTES(CNIBBLE_BLOCK), x += CNIBBLE_VECTOR_BYTES(CNIBBLE_BLOCK))
        plain_block(row, x, columns < CNIBBLE_BLOCK ? columns : CNIBBLE_BLOCK, even, odd);
    for (int l = 0; l < 8; l++) even[l] = even[l] + odd[l];
    return plain_total(even);
}

static void plain(const struct cnibble_tile *t) {
    for (int r = 0; r < t->rows; r++)
        for (int v = 0; v < t->count; v++)
            t->out[v * t->out_stride + r] = plain_sum(t->weights + r * t->row_bytes, t->vectors + v * t->vector_bytes, t->columns) * t->scales[r];
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define VNNI __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")))

/* How far ahead of a single row's reading memory is asked for, in bytes. */
#define AHEAD 2048

INLINE AVX2 float total(__m256 x) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Of a group: eight exact sums of four products. Two products of 127 and 127 fit 16 bits. */
INLINE AVX2 __m256i avx2_group(__m256i weights, const uint8_t *x) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(weights, _mm256_loadu_si256((const __m256i *)x)), _mm256_set1_epi16(1));
}

INLINE VNNI __m256i vnni_group(__m256i weights, const uint8_t *x) {
    return _mm256_dpbusd_epi32(_mm256_setzero_si256(), weights, _mm256_loadu_si256((const __m256i *)x));
}

/* Up to eight scales from float16, 0 beyond the last. */
INLINE AVX2 __m256 eight_scales(const uint8_t *from, int64_t count) {
    if (count >= 8) return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
    uint16_t few[8] = {0};
    for (int64_t i = 0; i < 2 * count; i++) ((uint8_t *)few)[i] = from[i];
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)few));
}

/* Up to eight floats, 0 beyond the last. */
INLINE AVX2 __m256 eight(const uint8_t *from, int64_t count) {
    if (count >= 8) return _mm256_loadu_ps((const float *)from);
    float few[8] = {0};
    for (int64_t i = 0; i < 4 * count; i++) ((uint8_t *)few)[i] = from[i];
    return _mm256_loadu_ps(few);
}

/* A block more in the lanes of `count` vectors; a row's levels are looked up once for all of them. */
#define BLOCK(name, TARGET, group) \
INLINE TARGET void name(const uint8_t *block, const uint8_t *x, int64_t stride, const int64_t columns, const int count, const int ahead, __m256 *even, __m256 *odd) { \
    const int64_t groups = columns / CNIBBLE_GROUP; \
    const uint8_t *w = block + 2 * groups; \
    const __m256 low_scales = eight_scales(block, groups), high_scales = eight_scales(block + 16, groups > 8 ? groups - 8 : 0); \
    float factors[3][16]; \
    for (int v = 0; v < count; v++) { \
        const uint8_t *units = x + v * stride + columns, *corrections = units + 4 * groups; \
        _mm256_storeu_ps(factors[v], _mm256_mul_ps(low_scales, eight(units, groups))); \
        even[v] = _mm256_fmadd_ps(low_scales, eight(corrections, groups), even[v]); \
        if (groups > 8) { \
            _mm256_storeu_ps(factors[v] + 8, _mm256_mul_ps(high_scales, eight(units + 32, groups - 8))); \
            odd[v] = _mm256_fmadd_ps(high_scales, eight(corrections + 32, groups - 8), odd[v]); \
        } \
    } \
    const __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)levels)), low = _mm256_set1_epi8(15); \
    for (int64_t c = 0; c < columns; c += 64, w += 32) { \
        if (ahead) _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0); \
        __m256i both = _mm256_loadu_si256((const __m256i *)w); \
        __m256i first = _mm256_shuffle_epi8(table, _mm256_and_si256(both, low)); \
        __m256i second = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(both, 4), low)); \
        for (int v = 0; v < count; v++) { \
            const uint8_t *vector = x + v * stride + c; \
            even[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(group(first, vector)), _mm256_broadcast_ss(factors[v] + c / 32), even[v]); \
            odd[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(group(second, vector + 32)), _mm256_broadcast_ss(factors[v] + c / 32 + 1), odd[v]); \
        } \
    } \
}

/* The sums of a row with `count` vectors. Whole blocks have a number of columns that the compiler knows, and no loop. */
#define SUMS(name, TARGET, block) \
INLINE TARGET void name(const uint8_t *row, const uint8_t *x, int64_t stride, int64_t columns, const int count, const int ahead, float *out) { \
    __m256 even[3], odd[3]; \
    for (int v = 0; v < count; v++) even[v] = odd[v] = _mm256_setzero_ps(); \
    for (; columns >= CNIBBLE_BLOCK; columns -= CNIBBLE_BLOCK) { \
        block(row, x, stride, CNIBBLE_BLOCK, count, ahead, even, odd); \
        row += CNIBBLE_ROW_BYTES(CNIBBLE_BLOCK); \
        x += CNIBBLE_VECTOR_BYTES(CNIBBLE_BLOCK); \
    } \
    if (columns > 0) block(row, x, stride, columns, count, ahead, even, odd); \
    for (int v = 0; v < count; v++) out[v] = total(_mm256_add_ps(even[v], odd[v])); \
}

BLOCK(avx2_block, AVX2, avx2_group)
BLOCK(vnni_block, VNNI, vnni_group)
SUMS(avx2_sums, AVX2, avx2_block)
SUMS(vnni_sums, VNNI, vnni_block)

#define CALLS(name, TARGET, sums) \
INLINE TARGET void name##_rows(const struct cnibble_tile *t, const int count) { \
    for (int r = 0; r < t->rows; r++) { \
        float found[3]; \
        sums(t->weights + r * t->row_bytes, t->vectors, t->vector_bytes, t->columns, count, 0, found); \
        for (int v = 0; v < count; v++) t->out[v * t->out_stride + r] = found[v] * t->scales[r]; \
    } \
} \
static TARGET void name(const struct cnibble_tile *t) { \
    switch (t->count) { \
    case 1: name##_rows(t, 1); return; \
    case 2: name##_rows(t, 2); return; \
    default: name##_rows(t, 3); return; \
    } \
} \
static TARGET float name##_single(const uint8_t *row, const uint8_t *vector, int64_t columns) { \
    float found; \
    sums(row, vector, 0, columns, 1, 1, &found); \
    return found; \
}

CALLS(avx2, AVX2, avx2_sums)
CALLS(vnni, VNNI, vnni_sums)
#endif

/* A group's numbers and their sum; the largest magnitude, NaN where there is one. */
static float plain_group(const float *x, int8_t *out, int32_t *sum) {
    float most = 0;
    for (int i = 0; i < CNIBBLE_GROUP; i++) most = fabsf(x[i]) > most || x[i] != x[i] ? fabsf(x[i]) : most;
    const float inverse = most > 0 && isfinite(most) ? 127 / most : 0;
    *sum = 0;
    for (int i = 0; i < CNIBBLE_GROUP; i++) {
        /* Adding 1.5 * 2^23 rounds half to even and leaves the whole number in the low bits. */
        const float shifted = x[i] * inverse + 12582912.0f;
        uint32_t bits;
        memcpy(&bits, &shifted, 4);
        out[i] = isfinite(most) ? (int8_t)bits : 0;
        *sum += out[i];
    }
    return most;
}

#if defined(__x86_64__)
static AVX2 float avx2_group_of(const float *x, int8_t *out, int32_t *sum) {
    __m256 a[4], most = _mm256_setzero_ps(), all = most, magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
    for (int i = 0; i < 4; i++) {
        a[i] = _mm256_loadu_ps(x + 8 * i);
        most = _mm256_max_ps(most, _mm256_and_ps(a[i], magnitude));
        all = _mm256_add_ps(all, _mm256_sub_ps(a[i], a[i]));
    }
    /* 0 unless something is not finite. */
    if (_mm256_movemask_ps(_mm256_cmp_ps(all, _mm256_setzero_ps(), _CMP_NEQ_UQ))) return plain_group(x, out, sum);
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    m = _mm_max_ss(m, _mm_movehdup_ps(m));
    const float largest = _mm_cvtss_f32(m);
    const __m256 inverse = _mm256_set1_ps(largest > 0 ? 127 / largest : 0);
    __m256i q[4], ones = _mm256_set1_epi16(1);
    for (int i = 0; i < 4; i++) q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(a[i], inverse));
    __m256i low = _mm256_packs_epi32(q[0], q[1]), high = _mm256_packs_epi32(q[2], q[3]);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i *)out, bytes);
    __m256i four = _mm256_add_epi32(_mm256_madd_epi16(low, ones), _mm256_madd_epi16(high, ones));
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    *sum = _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
    return largest;
}
#endif

typedef void products_call(const struct cnibble_tile *);
typedef float product_call(const uint8_t *, const uint8_t *, int64_t);
static products_call *products = plain;
typedef float group_call(const float *, int8_t *, int32_t *);
static product_call *single = plain_sum;
static group_call *group_of = plain_group;

void cnibble_use_engine(int wanted) {
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) wanted = 0;
    products = wanted == 2 ? vnni : wanted == 1 ? avx2 : plain;
    single = wanted == 2 ? vnni_single : wanted == 1 ? avx2_single : plain_sum;
    group_of = wanted > 0 ? avx2_group_of : plain_group;
#else
    (void)wanted;
#endif
}

void cnibble_products(const struct cnibble_tile *tile) { products(tile); }

float cnibble_product(const uint8_t *row, const uint8_t *vector, int64_t columns) { return single(row, vector, columns); }

static void round_block(const float *x, int64_t count, int64_t padded, uint8_t *out) {
    const int64_t groups = padded / CNIBBLE_GROUP;
    for (int64_t g = 0; g < groups; g++) {
        const int64_t here = count - g * CNIBBLE_GROUP;
        const float *from = x + g * CNIBBLE_GROUP;
        float last[CNIBBLE_GROUP] = {0};
        if (here < CNIBBLE_GROUP) {
            for (int64_t i = 0; i < here; i++) last[i] = from[i];
            from = last;
        }
        int32_t sum;
        const float unit = group_of(from, (int8_t *)out + g * CNIBBLE_GROUP, &sum) / 127, correction = (float)(-64 * sum) * unit;
        memcpy(out + padded + 4 * g, &unit, 4);
        memcpy(out + padded + 4 * (groups + g), &correction, 4);
    }
}

void cnibble_round(const float *x, int64_t count, int64_t padded, uint8_t *out) {
    for (; padded > 0; padded -= CNIBBLE_BLOCK, count -= CNIBBLE_BLOCK, x += CNIBBLE_BLOCK, out += CNIBBLE_VECTOR_BYTES(CNIBBLE_BLOCK))
        round_block(x, count, padded < CNIBBLE_BLOCK ? padded : CNIBBLE_BLOCK, out);
}
