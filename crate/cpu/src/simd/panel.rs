//! The product of a block of packed rows and packed columns.
#![expect(unsafe_code, reason = "kernels over packed panels")]

use super::Level;
use super::lanes::Lanes;

/// Panels as wide as the machine's registers allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panels {
    /// Rows of the left matrix in a panel.
    pub rows: usize,
    /// Columns of the right matrix in a panel.
    pub columns: usize,
}

impl Panels {
    /// Those of the machine's widest vectors.
    pub fn best() -> Self {
        match Level::best() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Panels { rows: 12, columns: 32 },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Panels { rows: 6, columns: 16 },
            Level::Plain => Panels { rows: 4, columns: 8 },
        }
    }
}

/// The most values that a tile has.
const TILE: usize = 12 * 32;

/// Some rows of the left matrix by some columns of the right one, both packed, over some of the inner axis.
pub(crate) struct Block<'a> {
    /// Panels of rows: for each inner place one value of each row.
    pub a: &'a [f32],
    /// Panels of columns, each [`Block::b_step`] values behind the one before.
    pub b: &'a [f32],
    /// From one panel of columns to the next.
    pub b_step: usize,
    /// Rows, columns and inner places.
    pub size: (usize, usize, usize),
    /// The first value of the result.
    pub out: *mut f32,
    /// From one row of the result to the next.
    pub stride: usize,
    /// The result is added to, not set.
    pub add: bool,
}

impl Block<'_> {
    /// Multiplies.
    ///
    /// # Safety
    /// `out` is valid for writes of the block's rows and columns, and nobody else uses them.
    ///
    /// # Panics
    /// The panels are shorter than the sizes ask for.
    pub unsafe fn run(&self) {
        let (rows, columns, inner) = self.size;
        let panels = Panels::best();
        let (down, across) = (rows.div_ceil(panels.rows), columns.div_ceil(panels.columns));
        assert!(self.a.len() >= down * panels.rows * inner, "rows of {:?}", self.size);
        assert!(across == 0 || self.b.len() >= (across - 1) * self.b_step + panels.columns * inner);
        // SAFETY: the panels hold the block by the checks, the result by the caller's promise, and the level is what the
        // machine has.
        unsafe {
            match Level::best() {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512(self),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2(self),
                Level::Plain => plain(self),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(block: &Block<'_>) {
    // SAFETY: passed on.
    unsafe { tiles::<std::arch::x86_64::__m512, 12, 2>(block) };
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(block: &Block<'_>) {
    // SAFETY: passed on.
    unsafe { tiles::<std::arch::x86_64::__m256, 6, 2>(block) };
}

unsafe fn plain(block: &Block<'_>) {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    type Vector = std::arch::wasm32::v128;
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    type Vector = [f32; 4];
    // SAFETY: passed on.
    unsafe { tiles::<Vector, 4, 2>(block) };
}

/// A panel of columns stays in the first level of cache while all rows pass.
#[inline(always)]
unsafe fn tiles<V: Lanes, const M: usize, const W: usize>(block: &Block<'_>) {
    let (rows, columns, inner) = block.size;
    let wide = W * V::N;
    let mut edge = [0.0f32; TILE];
    for column in (0..columns).step_by(wide) {
        for row in (0..rows).step_by(M) {
            // SAFETY: the panels hold the tile, and a tile at an edge is computed aside.
            unsafe {
                let a = block.a.as_ptr().add(row * inner);
                let b = block.b.as_ptr().add(column / wide * block.b_step);
                let out = block.out.add(row * block.stride + column);
                let (m, n) = ((rows - row).min(M), (columns - column).min(wide));
                if (m, n) == (M, wide) {
                    tile::<V, M, W>(inner, a, b, out, block.stride, block.add);
                } else {
                    tile::<V, M, W>(inner, a, b, edge.as_mut_ptr(), wide, false);
                    put(&edge, wide, (m, n), out, block.stride, block.add);
                }
            }
        }
    }
}

/// Writes the part of a tile that is inside the result.
unsafe fn put(tile: &[f32], wide: usize, (m, n): (usize, usize), out: *mut f32, stride: usize, add: bool) {
    for (i, row) in tile.chunks(wide).take(m).enumerate() {
        for (j, value) in row[..n].iter().enumerate() {
            // SAFETY: inside the result.
            unsafe {
                let out = out.add(i * stride + j);
                *out = if add { *out + value } else { *value };
            }
        }
    }
}

#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
#[expect(clippy::needless_range_loop, reason = "the indices go over vectors in registers")]
unsafe fn tile<V: Lanes, const M: usize, const W: usize>(
    inner: usize,
    mut a: *const f32,
    mut b: *const f32,
    out: *mut f32,
    stride: usize,
    add: bool,
) {
    // SAFETY: the panels and the result hold the tile.
    unsafe {
        let mut sums = [[V::splat(0.0); W]; M];
        for _ in 0..inner {
            let mut vectors = [V::splat(0.0); W];
            for w in 0..W {
                vectors[w] = V::load(b.add(w * V::N));
            }
            for m in 0..M {
                let factor = V::splat(a.add(m).read());
                for w in 0..W {
                    sums[m][w] = vectors[w].fma(factor, sums[m][w]);
                }
            }
            a = a.add(M);
            b = b.add(W * V::N);
        }
        for m in 0..M {
            for w in 0..W {
                let out = out.add(m * stride + w * V::N);
                let sum = if add { V::splat(1.0).fma(V::load(out), sums[m][w]) } else { sums[m][w] };
                sum.store(out);
            }
        }
    }
}
