//! Pictures as rows of patches, and the positions of patches.

use graph::{Bias, Builder, Corners, DType, Dim, Interpolation, Scope, Var, Window};

use super::Look;
use crate::{Error, Fields};

/// Sizes of pictures and patches.
#[derive(Clone, Debug, PartialEq)]
pub struct Patches {
    /// Channels of a picture.
    pub channels: usize,
    /// Height and width of the usual picture.
    pub size: [usize; 2],
    /// Height and width of a patch.
    pub patch: [usize; 2],
}

impl Patches {
    /// Reads `image_size`, `patch_size` and `num_channels`.
    ///
    /// # Errors
    /// A field is wrong, or a patch is larger than the picture.
    pub fn read(config: &Fields<'_>, size: usize, patch: usize) -> Result<Self, Error> {
        let channels = config.size_or("num_channels", 3)?;
        let (size, patch) = (pair(config, "image_size", size)?, pair(config, "patch_size", patch)?);
        let fits = |i: usize| patch[i] <= size[i] && size[i] <= LARGEST && size[i] / patch[i] <= LARGEST_GRID;
        if !fits(0) || !fits(1) {
            return Err(config.fail("image_size", format!("is {size:?} with patches of {patch:?}")));
        }
        Ok(Self { channels, size, patch })
    }

    /// Rows and columns of patches in a picture.
    pub fn grid(&self, size: [usize; 2]) -> [usize; 2] {
        [size[0] / self.patch[0], size[1] / self.patch[1]]
    }

    /// Patches of the usual picture.
    pub fn count(&self) -> usize {
        let [rows, columns] = self.grid(self.size);
        rows * columns
    }

    /// The input `pixel_values` [B, channels, H, W], each patch projected: [B, h, w, n].
    pub fn embed<'g>(&self, g: &'g Builder, look: &Look, at: &Scope<'g>, n: usize, bias: Bias) -> Var<'g> {
        let window = Window { kernel: self.patch, stride: self.patch, padding: [0; 2], dilation: [1; 2] };
        self.pixels(g, look).conv2d(at, n, window, bias, None)
    }

    /// The input `pixel_values` [B, channels, H, W], channels last: [B, H, W, channels].
    pub fn pixels<'g>(&self, g: &'g Builder, look: &Look) -> Var<'g> {
        let [h, w] = look.size.unwrap_or(self.size);
        let batch = if look.pictures == 0 { Dim::from('B') } else { look.pictures.into() };
        g.input("pixel_values", DType::F32, [batch, self.channels.into(), h.into(), w.into()]).channels_last()
    }
}

/// No picture of a model is larger in either direction.
const LARGEST: usize = 1 << 14;

/// No model has more patches in a row.
const LARGEST_GRID: usize = 1 << 10;

/// A size in both directions: one number, or a list of height and width.
///
/// # Errors
/// It is neither.
pub fn pair(config: &Fields<'_>, field: &str, default: usize) -> Result<[usize; 2], Error> {
    let sizes = config.sizes(field)?;
    match sizes[..] {
        [] => Ok([default; 2]),
        [side] => Ok([side; 2]),
        [rows, columns] => Ok([rows, columns]),
        _ => Err(config.fail(field, "is neither a size nor a height and a width")),
    }
}

/// The embeddings of tokens before the patches and of a square of patches, [1, k + s², C], for `grid` of patches.
pub fn stretched<'g>(table: Var<'g>, k: usize, grid: [usize; 2], how: Interpolation) -> Var<'g> {
    let n = table.dim(1).known().unwrap_or(k).saturating_sub(k);
    let (side, c) = (n.isqrt(), table.dim(2));
    let square = table.slice(1, k, n).reshape([Dim::from(1), side.into(), side.into(), c.clone()]);
    let patches = square.interpolate(grid, how, Corners::Cells).reshape([1.into(), (grid[0] * grid[1]).into(), c]);
    if k == 0 { patches } else { table.slice(1, 0, k).concat(&[patches], 1) }
}

/// Patches [B, h, w, C] in a row: [B, h·w, C].
pub fn in_a_row(x: Var<'_>) -> Var<'_> {
    x.reshape([x.dim(0), x.dim(1) * x.dim(2), x.dim(3)])
}

/// One row of C at the head of each picture's tokens: [1, n, C] → [B, n, C].
pub fn repeated<'g>(token: Var<'g>, x: Var<'g>) -> Var<'g> {
    token.expand([x.dim(0), token.dim(1), token.dim(2)])
}

/// Token `i`: [B, T, C] → [B, C].
pub fn token(x: Var<'_>, i: usize) -> Var<'_> {
    x.slice(1, i, 1).reshape([x.dim(0), x.dim(2)])
}

/// The mean of the tokens from `first` on: [B, T, C] → [B, C].
pub fn mean_of_tokens(x: Var<'_>, first: usize) -> Var<'_> {
    let n = x.dim(1).known().unwrap_or(first).saturating_sub(first);
    let mean = x.slice(1, first, n).permute([0, 2, 1]).reduce(graph::Reduce::Mean); // [B, C, 1]
    mean.reshape([x.dim(0), x.dim(2)])
}
