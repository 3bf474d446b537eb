"""Value and gradient of the sigmoid focal loss in one pass of a GPU: `focal_ref.losses.sigmoid_rules.Linear` in Triton.

A transcription: what the names mean, and why nothing cancels, is derived there (y = |x|, mirrored).
Memory sets the pace, so exponential and logarithm are polynomials that err by one or two ULP in float32:
Triton's own exp is ``ex2.approx(x log2(e))`` there, off by 20 ULP at x = -80; good enough for half precision.
The interpreter runs every line of this that a GPU runs; there only products and sums may be fused.
"""

import triton
import triton.language as tl


@triton.jit
def exp_of_minus(y, low):
    """exp(low - y) for y >= 0 and a low that is small beside 1; subnormal where it is."""
    if y.dtype == tl.float64:
        return tl.exp(-y) * (1.0 + low * (1.0 + low * (0.5 + low * 0.16666666666666666)))
    else:
        # Beyond, the result is 0.
        y = tl.minimum(y, 104.0, propagate_nan=tl.PropagateNan.ALL)
        # 1.5 * 2^23 rounds to a whole number, which stands in the lowest bits.
        shifted = y * -1.4426950408889634 + 12582912.0
        n = shifted - 12582912.0
        # Cody and Waite: the first product is exact. The polynomial is that of Cephes' expf.
        rest = (n * -0.693359375 - y) + (n * 2.12194440e-4 + low)
        series = 8.3334519073e-3 + rest * (1.3981999507e-3 + rest * 1.9875691500e-4)
        series = 5.0000001201e-1 + rest * (1.6666665459e-1 + rest * (4.1665795894e-2 + rest * series))
        series = 1.0 + rest * (1.0 + rest * series)
        # 2^(n + 24) is normal wherever the result is not 0.
        scale = ((shifted.to(tl.int32, bitcast=True) << 23) + ((127 + 24) << 23)).to(tl.float32, bitcast=True)
        return series * scale * 5.9604644775390625e-08


@triton.jit
def reciprocal(d, ROUGH: tl.constexpr):
    """1 / d for a normal d; 3 ULP where ROUGH."""
    if d.dtype == tl.float64:
        return 1.0 / d
    else:
        # One instruction and a product, where Triton's quotient has seven, most for a d beyond 2^126.
        root = tl.rsqrt(d)
        r = root * root
        return r if ROUGH else r + r * (1.0 - d * r)


@triton.jit
def log_of_sum(e, d, HALF: tl.constexpr):
    """log(1 + e) for e in [0, 1] and d = 1 + e."""
    if e.dtype == tl.float64:
        return tl.log(d) - ((d - 1.0) - e) / d
    elif HALF:
        # A polynomial that is off by 3e-7 at most.
        series = 0.17675494 + e * (-0.106677905 + e * (0.04337085 + e * -0.0083364975))
        series = -0.49997127 + e * (0.33271188 + e * (-0.2447047 + e * series))
        return e * (0.99999976 + e * series)
    else:
        # 2 atanh(z/2) for z = e / (1 + e/2).
        z = e * reciprocal(1.0 + 0.5 * e, True)
        w = z * z
        series = 1.0 / 448.0 + w * (1.0 / 2304.0 + w * (1.0 / 11264.0 + w * (1.0 / 53248.0)))
        return z + z * (w * (1.0 / 12.0 + w * (1.0 / 80.0 + w * series)))


@triton.jit
def high_half(a):
    """The first half of the digits: the product of two such halves is exact."""
    if a.dtype == tl.float64:
        return (a.to(tl.int64, bitcast=True) & -134217728).to(tl.float64, bitcast=True)
    else:
        return (a.to(tl.int32, bitcast=True) & -4096).to(tl.float32, bitcast=True)


@triton.jit
def power(u, gamma, HALVES: tl.constexpr):
    """u^gamma for u in [0, 1]: products and a square root where gamma is HALVES / 2, as `focal_ref.powers`."""
    if HALVES >= 0:
        result = tl.full(u.shape, 1.0, u.dtype)
        if HALVES % 2 == 1:
            # A GPU's root of 1 need not be 1, and the largest loss would be infinite.
            result = tl.minimum(tl.sqrt(u), 1.0, propagate_nan=tl.PropagateNan.ALL)
        square = u
        for bit in tl.static_range(4):
            if (HALVES // 2 >> bit) % 2 == 1:
                result = result * square
            square = square * square
        return result
    else:
        # exp multiplies what log u has lost by gamma |log u|: one step of Newton's method gives its
        # low part (the logarithm of a GPU is a rough one), and the leading product is exact.
        small = u < (2.2250738585072014e-308 if u.dtype == tl.float64 else 1.1754943508222875e-38)
        scaled = tl.where(small, u * 1.152921504606847e18, u)
        log = tl.log(scaled)
        back = exp_of_minus(-log, 0.0)
        low = (scaled - back) / back
        log = tl.where(small, log - 41.58883083359672, log)
        high, gamma_high = high_half(log), high_half(gamma)
        rest = gamma_high * (log - high) + ((gamma - gamma_high) * log + gamma * low)
        return tl.where(u == 0.0, 0.0, exp_of_minus(-gamma_high * high, rest))


@triton.jit
def value_and_slope(
    x,
    t,
    alpha,
    gamma,
    HARD: tl.constexpr,
    BALANCED: tl.constexpr,
    HALVES: tl.constexpr,
    DETACHED: tl.constexpr,
    HALF: tl.constexpr,
):
    """FL and dFL/dx; ``t`` is bool where HARD. HALF: to the digits of half precision."""
    positive = x >= 0.0
    y = tl.abs(x)
    infinite = y == float("inf")
    largest: tl.constexpr = 1.7976931348623157e308 if x.dtype == tl.float64 else 3.4028234663852886e38
    y = tl.minimum(y, largest, propagate_nan=tl.PropagateNan.ALL)
    # Not exp2, which flushes subnormal results.
    e = tl.exp(-y) if HALF else exp_of_minus(y, 0.0)
    d = 1.0 + e
    r = reciprocal(d, HALF)
    cross_entropy = log_of_sum(e, d, HALF)
    if HARD:
        opposes = t != positive
        u = r * tl.where(opposes, 1.0, e)
        k = r * tl.where(opposes, e, 1.0)
        cross_entropy += tl.where(opposes, y, 0.0)
        c = tl.where(t, -1.0, 1.0)
        inside = u if DETACHED else gamma * (k * cross_entropy) + u
        slope = c * inside
    else:
        not_t = 1.0 - t
        opposed, agreed = tl.where(positive, not_t, t), tl.where(positive, t, not_t)
        opposes = opposed > 0.0
        mixed = opposed + agreed * e
        u = mixed * r
        # For a right target exp(-y) cancels, which may be 0. Scaled, no other mixture is subnormal.
        scale: tl.constexpr = 1.152921504606847e18 if x.dtype == tl.float64 else 16777216.0
        k = tl.where(opposes, reciprocal(mixed * scale, True) * (e * scale) * r, r)
        cross_entropy += opposed * y
        slope = (opposed - agreed * e) * r
        if not DETACHED:
            slope += gamma * ((opposed - agreed) * (k * cross_entropy))
        slope = tl.where(positive, slope, -slope)
    factor = power(u, gamma, HALVES)
    if BALANCED:
        alpha_t = tl.where(t, alpha, 1.0 - alpha) if HARD else alpha * t + (1.0 - alpha) * not_t
        opposes = opposes & (alpha_t > 0.0)
        factor *= alpha_t
    return tl.where(infinite & opposes, float("inf"), factor * cross_entropy), factor * slope


@triton.jit(do_not_specialize=["alpha_bits", "gamma_bits"])
def focal(
    x_ptr,
    t_ptr,
    alpha_ptr,
    value_ptr,
    gradient_ptr,
    scale_ptr,
    kept_ptr,
    count,
    alpha_bits: tl.int64,
    gamma_bits: tl.int64,
    CLASSES: tl.constexpr,
    INDICES: tl.constexpr,
    BALANCED: tl.constexpr,
    PER_CLASS: tl.constexpr,
    HALVES: tl.constexpr,
    DETACHED: tl.constexpr,
    HALF: tl.constexpr,
    SUM: tl.constexpr,
    VALUE: tl.constexpr,
    GRADIENT: tl.constexpr,
    SCALED: tl.constexpr,
    KEPT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """BLOCK elements a program; with SUM their sum in place of the values.

    SCALED: the gradient times a number in memory, before it is rounded. KEPT: the gradient that is there
    has been multiplied by a number already; where that is the same one, nothing is to be done.
    alpha and gamma are the bits of float64 numbers: of a Python float Triton makes a float32.
    """
    dtype: tl.constexpr = tl.float32 if HALF else x_ptr.dtype.element_ty
    if KEPT:  # noqa: SIM102 - one is known when the kernel is compiled, the other when it runs
        if tl.load(scale_ptr) == tl.load(kept_ptr):
            return
    program = tl.program_id(0)
    start = program.to(tl.int64) * BLOCK
    offsets = tl.arange(0, BLOCK)
    inside = offsets < tl.minimum(count - start, BLOCK).to(tl.int32)
    x = tl.load(x_ptr + start + offsets, mask=inside, other=0.0).to(dtype)
    alpha = alpha_bits.to(tl.int64).to(tl.float64, bitcast=True).to(dtype)
    gamma = gamma_bits.to(tl.int64).to(tl.float64, bitcast=True).to(dtype)
    if INDICES or PER_CLASS:
        # Only the first element of a block is far from 0.
        place = (start % CLASSES).to(tl.int32) + offsets
        row = place // CLASSES
        column = place - row * CLASSES
    if PER_CLASS:
        alpha = tl.load(alpha_ptr + column)
    if INDICES:
        index = tl.load(t_ptr + start // CLASSES + row, mask=inside, other=0)
        t = index == column
    else:
        t = tl.load(t_ptr + start + offsets, mask=inside, other=0.0).to(dtype)
    value, slope = value_and_slope(x, t, alpha, gamma, INDICES, BALANCED, HALVES, DETACHED, HALF)
    if INDICES:
        # Such an index must not pass for background, which is CLASSES.
        valid = (index >= 0) & (index <= CLASSES)
        value, slope = tl.where(valid, value, float("nan")), tl.where(valid, slope, float("nan"))
    if GRADIENT:
        if SCALED:
            slope *= tl.load(scale_ptr).to(dtype)
        tl.store(gradient_ptr + start + offsets, slope.to(gradient_ptr.dtype.element_ty), mask=inside)
    if VALUE:
        if SUM:
            tl.store(value_ptr + program, tl.sum(tl.where(inside, value, 0.0), axis=0))
        else:
            tl.store(value_ptr + start + offsets, value, mask=inside)
