//! Connected regions, and masks without their small ones.
//!
//! Source: Kirillov et al. 2023, arXiv:2304.02643, appendix B, "postprocessing"; the reference is
//! `segment_anything/utils/amg.py`, `remove_small_regions`.

use super::Mask;

/// Which small regions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Small {
    /// Parts of what is outside, which are filled.
    Holes,
    /// Parts of what is inside, which are taken away.
    Islands,
}

/// Which neighbours belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Neighbours {
    /// Those that share a side.
    Four,
    /// Those that share a side or a corner.
    Eight,
}

/// The connected regions of the pixels that have a value.
pub(crate) struct Regions {
    /// The region of each pixel, counted from 1 in reading order; 0 where the value is another.
    pub(crate) labels: Vec<u32>,
    /// The pixels of each region; the first number is of pixels that have another value.
    pub(crate) sizes: Vec<usize>,
}

impl Mask {
    /// Without regions of less than `area` pixels; `None` if there are none. Of islands the largest always stays.
    pub fn without_small(&self, small: Small, area: usize) -> Option<Mask> {
        let regions = self.regions(small == Small::Islands, Neighbours::Eight);
        let sizes = &regions.sizes[1..];
        if sizes.iter().all(|size| *size >= area) {
            return None;
        }
        // The first of the largest.
        let most = sizes.iter().copied().max().unwrap_or(0);
        let largest = sizes.iter().position(|size| *size == most).map_or(0, |at| at + 1);
        let none_is_large = most < area;
        let stays = |label: usize| match small {
            Small::Holes => label == 0 || regions.sizes[label] < area,
            Small::Islands => label != 0 && (regions.sizes[label] >= area || (none_is_large && label == largest)),
        };
        let inside = regions.labels.iter().map(|label| stays(*label as usize)).collect();
        Some(Mask { width: self.width, height: self.height, inside })
    }

    /// The connected regions of the pixels that are inside (or outside), by two passes and a forest of equal labels.
    pub(crate) fn regions(&self, inside: bool, neighbours: Neighbours) -> Regions {
        let width = self.width;
        let mut forest: Vec<u32> = vec![0];
        let mut labels = vec![0u32; self.inside.len()];
        for at in 0..labels.len() {
            if self.inside[at] != inside {
                continue;
            }
            let (x, y) = (at % width, at / width);
            let mut own = 0;
            let mut join = |there: bool, back: usize| {
                if !there || labels[at - back] == 0 {
                    return;
                }
                let other = root(&mut forest, labels[at - back]);
                own = if own == 0 { other } else { unite(&mut forest, own, other) };
            };
            join(x > 0, 1);
            join(y > 0, width);
            if neighbours == Neighbours::Eight {
                join(y > 0 && x > 0, width + 1);
                join(y > 0 && x + 1 < width, width.wrapping_sub(1));
            }
            if own == 0 {
                own = forest.len() as u32;
                forest.push(own);
            }
            labels[at] = own;
        }
        counted(labels, forest)
    }
}

/// Labels from 1 without gaps, in the order in which regions begin.
fn counted(mut labels: Vec<u32>, mut forest: Vec<u32>) -> Regions {
    let mut names = vec![0u32; forest.len()];
    let mut sizes = vec![0];
    for label in &mut labels {
        let root = root(&mut forest, *label) as usize;
        if root != 0 && names[root] == 0 {
            names[root] = sizes.len() as u32;
            sizes.push(0);
        }
        *label = names[root];
        sizes[names[root] as usize] += 1;
    }
    Regions { labels, sizes }
}

/// The representative of a label; the way there is halved.
fn root(forest: &mut [u32], mut label: u32) -> u32 {
    while forest[label as usize] != label {
        let parent = forest[label as usize];
        forest[label as usize] = forest[parent as usize];
        label = parent;
    }
    label
}

/// Makes two roots one, the smaller.
fn unite(forest: &mut [u32], a: u32, b: u32) -> u32 {
    let (small, large) = (root(forest, a).min(b), root(forest, a).max(b));
    forest[large as usize] = small;
    small
}
