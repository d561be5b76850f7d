//! Vectors of floats, and the two products that attention and batched matrix products are made of.
#![expect(unsafe_code, reason = "intrinsics and kernels over checked slices")]

/// Which vectors the machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the build allows everywhere.
    Plain,
}

impl Level {
    /// The widest.
    pub fn best() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx2 {
                return if avx512 { Level::Avx512 } else { Level::Avx2 };
            }
        }
        Level::Plain
    }
}

/// A vector of floats.
///
/// # Safety
/// Functions may be called only where the machine has the instructions; pointers are valid for [`Lanes::N`] floats.
trait Lanes: Copy {
    /// Floats in a vector.
    const N: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self * factor + term`
    unsafe fn fma(self, factor: Self, term: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    macro_rules! lanes {
        ($ty:ty, $n:literal, $splat:ident, $load:ident, $store:ident, $fma:ident) => {
            impl Lanes for $ty {
                const N: usize = $n;
                #[inline(always)]
                unsafe fn splat(value: f32) -> Self {
                    // SAFETY: see Lanes.
                    unsafe { $splat(value) }
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: see Lanes.
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: see Lanes.
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn fma(self, factor: Self, term: Self) -> Self {
                    // SAFETY: see Lanes.
                    unsafe { $fma(self, factor, term) }
                }
            }
        };
    }

    lanes!(__m512, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps);
    lanes!(__m256, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps);
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm {
    use super::Lanes;
    use std::arch::wasm32::*;

    impl Lanes for v128 {
        const N: usize = 4;
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            f32x4_splat(value)
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see Lanes.
            unsafe { v128_load(from.cast()) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see Lanes.
            unsafe { v128_store(to.cast(), self) }
        }
        #[inline(always)]
        unsafe fn fma(self, factor: Self, term: Self) -> Self {
            #[cfg(target_feature = "relaxed-simd")]
            return f32x4_relaxed_madd(self, factor, term);
            #[cfg(not(target_feature = "relaxed-simd"))]
            return f32x4_add(f32x4_mul(self, factor), term);
        }
    }
}

impl Lanes for [f32; 4] {
    const N: usize = 4;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see Lanes.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see Lanes.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, term: Self) -> Self {
        std::array::from_fn(|i| self[i] * factor[i] + term[i])
    }
}

/// One float, for what is left of a row.
#[derive(Clone, Copy)]
struct Single(f32);

impl Lanes for Single {
    const N: usize = 1;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Single(value)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see Lanes.
        Single(unsafe { from.read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see Lanes.
        unsafe { to.write(self.0) }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, term: Self) -> Self {
        Single(self.0 * factor.0 + term.0)
    }
}

/// Rows of floats at a distance from each other.
#[derive(Clone, Copy)]
pub(crate) struct Grid<'a> {
    /// From the first value on.
    pub values: &'a [f32],
    /// From one row to the next.
    pub stride: usize,
}

impl Grid<'_> {
    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.stride + columns <= self.values.len()
    }
}

/// `out = a · b`, or `out += a · b` if `add`.
///
/// # Shapes
/// `a` [rows, inner], `b` [inner, columns], `out` [rows, columns] with `stride` from one row to the next.
pub(crate) fn product(
    (rows, inner, columns): (usize, usize, usize),
    a: Grid<'_>,
    b: Grid<'_>,
    out: &mut [f32],
    stride: usize,
    sum: Sum,
) {
    assert!(a.holds(rows, inner) && b.holds(inner, columns), "operands of {rows} x {inner} x {columns}");
    assert!(Grid { values: out, stride }.holds(rows, columns), "result of {rows} x {columns}");
    let task = Task {
        rows,
        inner,
        columns,
        a: a.values.as_ptr(),
        a_stride: a.stride,
        b: b.values.as_ptr(),
        b_stride: b.stride,
        out: out.as_mut_ptr(),
        stride,
        add: sum == Sum::Add,
    };
    // SAFETY: the operands are inside their slices, and the level is what the machine has.
    unsafe {
        match Level::best() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(&task),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(&task),
            Level::Plain => plain(&task),
        }
    }
}

/// Whether a product replaces what the result held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// It does.
    Set,
    /// It is added.
    Add,
}

struct Task {
    rows: usize,
    inner: usize,
    columns: usize,
    a: *const f32,
    a_stride: usize,
    b: *const f32,
    b_stride: usize,
    out: *mut f32,
    stride: usize,
    add: bool,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(task: &Task) {
    // SAFETY: passed on.
    unsafe {
        let done = strips::<std::arch::x86_64::__m512, 8, 2>(task, 0);
        let done = strips::<std::arch::x86_64::__m256, 4, 1>(task, done);
        strips::<Single, 1, 1>(task, done);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(task: &Task) {
    // SAFETY: passed on.
    unsafe {
        let done = strips::<std::arch::x86_64::__m256, 8, 2>(task, 0);
        strips::<Single, 1, 1>(task, done);
    }
}

unsafe fn plain(task: &Task) {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    type Vector = std::arch::wasm32::v128;
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    type Vector = [f32; 4];
    // SAFETY: passed on.
    unsafe {
        let done = strips::<Vector, 4, 2>(task, 0);
        strips::<Single, 1, 1>(task, done);
    }
}

/// The columns from `from` on that whole vectors cover; gives the first that none covers. One row takes strips of
/// `LONG` vectors, four rows strips of `SHORT`, what is left strips of one.
#[inline(always)]
unsafe fn strips<V: Lanes, const LONG: usize, const SHORT: usize>(task: &Task, from: usize) -> usize {
    let end = from + (task.columns - from) / V::N * V::N;
    let tall = task.rows / 4 * 4;
    // SAFETY: passed on; tiles are inside the operands.
    unsafe {
        for row in (0..tall).step_by(4) {
            let column = run::<V, 4, SHORT>(task, row, from, end);
            run::<V, 4, 1>(task, row, column, end);
        }
        for row in tall..task.rows {
            let column = run::<V, 1, LONG>(task, row, from, end);
            let column = run::<V, 1, 2>(task, row, column, end);
            run::<V, 1, 1>(task, row, column, end);
        }
    }
    end
}

/// Tiles of `M` rows and `W` vectors from a column on, as many as fit; gives the next column.
#[inline(always)]
unsafe fn run<V: Lanes, const M: usize, const W: usize>(task: &Task, row: usize, from: usize, end: usize) -> usize {
    let mut column = from;
    while column + W * V::N <= end {
        // SAFETY: passed on.
        unsafe { tile::<V, M, W>(task, row, column) };
        column += W * V::N;
    }
    column
}

#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn tile<V: Lanes, const M: usize, const W: usize>(task: &Task, row: usize, column: usize) {
    // SAFETY: rows and columns of the tile are inside the operands.
    unsafe {
        let mut sums = [[V::splat(0.0); W]; M];
        if task.add {
            for m in 0..M {
                for w in 0..W {
                    sums[m][w] = V::load(task.out.add((row + m) * task.stride + column + w * V::N));
                }
            }
        }
        let (mut a, mut b) = (task.a.add(row * task.a_stride), task.b.add(column));
        for _ in 0..task.inner {
            let mut vectors = [V::splat(0.0); W];
            for w in 0..W {
                vectors[w] = V::load(b.add(w * V::N));
            }
            for m in 0..M {
                let factor = V::splat(a.add(m * task.a_stride).read());
                for w in 0..W {
                    sums[m][w] = vectors[w].fma(factor, sums[m][w]);
                }
            }
            a = a.wrapping_add(1);
            b = b.wrapping_add(task.b_stride);
        }
        for m in 0..M {
            for w in 0..W {
                sums[m][w].store(task.out.add((row + m) * task.stride + column + w * V::N));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_odd_sizes() {
        for (rows, inner, columns) in [(1, 1, 1), (1, 3, 130), (4, 5, 33), (7, 2, 19), (5, 64, 128), (0, 1, 1), (2, 0, 3)] {
            let value = |i: usize| ((i * 37 + 11) % 17) as f32 - 8.0;
            let a: Vec<f32> = (0..rows * (inner + 1)).map(value).collect();
            let b: Vec<f32> = (0..inner * (columns + 2)).map(|i| value(i + 5)).collect();
            let mut out = vec![1.0; rows * (columns + 3)];
            let (ga, gb) = (Grid { values: &a, stride: inner + 1 }, Grid { values: &b, stride: columns + 2 });
            product((rows, inner, columns), ga, gb, &mut out, columns + 3, Sum::Add);
            for row in 0..rows {
                for column in 0..columns {
                    let dot = |i: usize| a[row * (inner + 1) + i] * b[i * (columns + 2) + column];
                    let expected = 1.0 + (0..inner).map(dot).sum::<f32>();
                    assert_eq!(out[row * (columns + 3) + column], expected, "{rows} {inner} {columns}: {row} {column}");
                }
                assert_eq!(out[row * (columns + 3) + columns..][..3], [1.0; 3]);
            }
            product((rows, inner, columns), ga, gb, &mut out, columns + 3, Sum::Set);
        }
    }
}
