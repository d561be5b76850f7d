//! Loops that the pool's threads share: output is cut into pieces by size alone, so results do not depend on how many
//! threads there are.
#![expect(unsafe_code, reason = "parts write disjoint pieces")]

use crate::pool::Pool;

/// Values in a part of an elementwise loop.
pub(crate) const PART: usize = 16 * 1024;

/// A pointer through which parts write disjoint pieces.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: pieces are handed out by `slice`, whose callers promise that they are disjoint.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Shares a slice among the parts of one job.
    pub fn new(slice: &mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len() }
    }

    /// The place of a value; whoever writes there promises what [`Shared::slice`] asks.
    ///
    /// # Panics
    /// It is not inside.
    pub fn at(&self, at: usize) -> *mut T {
        assert!(at < self.len, "{at} of {}", self.len);
        self.start.wrapping_add(at)
    }

    /// A piece of it.
    ///
    /// # Safety
    /// No other part has a piece that overlaps this one while either is in use, and the slice outlives the piece.
    ///
    /// # Panics
    /// The piece is not inside.
    #[expect(clippy::mut_from_ref, reason = "disjoint pieces, see Safety")]
    pub unsafe fn slice(&self, at: usize, len: usize) -> &mut [T] {
        assert!(at <= self.len && len <= self.len - at, "{at}..+{len} of {}", self.len);
        // SAFETY: inside the slice by the check, alone by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}

/// Gives each piece of `step` values of `out`, the last one shorter, to `job` with the piece's first place.
pub(crate) fn pieces<T: Send>(pool: &Pool, out: &mut [T], step: usize, job: impl Fn(usize, &mut [T]) + Sync) {
    let (len, step) = (out.len(), step.max(1));
    let shared = Shared::new(out);
    pool.run(len.div_ceil(step), &|part| {
        let at = part * step;
        // SAFETY: parts have different places, `step` apart.
        job(at, unsafe { shared.slice(at, step.min(len - at)) });
    });
}

/// Gives the pieces of several results that belong together to `job` with the part's number; the pieces of result `i`
/// have `steps[i]` values, the last one fewer. A result of no length has empty pieces.
pub(crate) fn together<T: Send, const N: usize>(
    pool: &Pool,
    outs: [&mut [T]; N],
    steps: [usize; N],
    job: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    let lens: [usize; N] = std::array::from_fn(|i| outs[i].len());
    let parts = (0..N).map(|i| lens[i].div_ceil(steps[i].max(1))).max().unwrap_or(0);
    let shared = outs.map(Shared::new);
    pool.run(parts, &|part| {
        let pieces = std::array::from_fn(|i| {
            let at = (part * steps[i]).min(lens[i]);
            // SAFETY: parts have different places, a step apart.
            unsafe { shared[i].slice(at, steps[i].min(lens[i] - at)) }
        });
        job(part, pieces);
    });
}

/// Gives whole rows of `width` values to `job` with the number of the first one, some [`PART`] values at once.
pub(crate) fn rows<T: Send>(pool: &Pool, out: &mut [T], width: usize, job: impl Fn(usize, &mut [T]) + Sync) {
    let width = width.max(1);
    pieces(pool, out, rows_in_part(width) * width, |at, piece| job(at / width, piece));
}

/// Rows of a width that make a part.
pub(crate) fn rows_in_part(width: usize) -> usize {
    (PART / width.max(1)).max(1)
}

/// Defines a function that is compiled for several instruction sets, the best of which runs.
macro_rules! widest {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn body($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $ty),*) {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) {
                    body($($arg),*)
                }
                match $crate::simd::Level::best() {
                    // SAFETY: the machine has the instructions.
                    $crate::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: the machine has the instructions.
                    $crate::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::simd::Level::Plain => {}
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use widest;
