//! The product of two grids of floats.
#![expect(unsafe_code, reason = "kernels over checked slices")]

use super::Level;
use super::lanes::{Lanes, Single};

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
    assert!(a.holds(rows, inner), "left side of {rows} x {inner} x {columns}");
    // SAFETY: the left side is inside its slice.
    unsafe { multiply((rows, inner, columns), (a.values.as_ptr(), a.stride, 1), b, out, stride, sum) };
}

/// As [`product`] with `a` [inner, rows].
pub(crate) fn product_turned(
    (rows, inner, columns): (usize, usize, usize),
    a: Grid<'_>,
    b: Grid<'_>,
    out: &mut [f32],
    stride: usize,
    sum: Sum,
) {
    assert!(a.holds(inner, rows), "left side of {rows} x {inner} x {columns}, turned");
    // SAFETY: the left side is inside its slice.
    unsafe { multiply((rows, inner, columns), (a.values.as_ptr(), 1, a.stride), b, out, stride, sum) };
}

/// The left side is its first value and the steps from row to row and along the inner axis.
unsafe fn multiply(
    (rows, inner, columns): (usize, usize, usize),
    (a, a_stride, a_step): (*const f32, usize, usize),
    b: Grid<'_>,
    out: &mut [f32],
    stride: usize,
    sum: Sum,
) {
    assert!(b.holds(inner, columns), "right side of {rows} x {inner} x {columns}");
    assert!(Grid { values: out, stride }.holds(rows, columns), "result of {rows} x {columns}");
    let task = Task {
        rows,
        inner,
        columns,
        a,
        a_stride,
        a_step,
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
    a_step: usize,
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
/// `LONG` vectors, three or four rows strips of `SHORT`, what is left strips of one.
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
        match task.rows - tall {
            3 => {
                let column = run::<V, 3, SHORT>(task, tall, from, end);
                run::<V, 3, 1>(task, tall, column, end);
            }
            2 => {
                let column = run::<V, 2, 4>(task, tall, from, end);
                run::<V, 2, 1>(task, tall, column, end);
            }
            1 => {
                let column = run::<V, 1, LONG>(task, tall, from, end);
                let column = run::<V, 1, 2>(task, tall, column, end);
                run::<V, 1, 1>(task, tall, column, end);
            }
            _ => {}
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
#[expect(clippy::needless_range_loop, reason = "the indices go over vectors in registers")]
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
            a = a.wrapping_add(task.a_step);
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
        for (rows, inner, columns) in
            [(1, 1, 1), (1, 3, 130), (4, 5, 33), (7, 2, 19), (5, 64, 128), (0, 1, 1), (2, 0, 3)]
        {
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
            let mut turned = vec![0.0; inner * (rows + 1)];
            (0..rows * inner)
                .for_each(|i| turned[i % inner * (rows + 1) + i / inner] = a[i / inner * (inner + 1) + i % inner]);
            let (mut plain, mut again) = (out.clone(), out);
            product((rows, inner, columns), ga, gb, &mut plain, columns + 3, Sum::Set);
            let gt = Grid { values: &turned, stride: rows + 1 };
            product_turned((rows, inner, columns), gt, gb, &mut again, columns + 3, Sum::Set);
            assert_eq!(plain, again, "{rows} {inner} {columns} turned");
        }
    }
}
