//! Pictures and labels in idx files, plain or gzip, as MNIST has them.
//!
//! An idx file begins with two zero bytes, the type of an element (8: one byte without a sign) and the number of sizes;
//! the sizes follow as 32 bits each, the highest first, and then the elements, the last size running fastest (LeCun,
//! Cortes and Burges, "The MNIST database of handwritten digits").

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::recipe::PicturesSpec;
use crate::data::unpacked;
use crate::{Error, Random, digest};

/// One byte without a sign.
const BYTE: u8 = 8;
/// The most elements of a file.
const MOST: usize = 1 << 28;

/// Square pictures in shades of grey, each with the number of its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Pixels of a side.
    pub side: usize,
    /// Row by row, 255 for ink: [n, side, side].
    pixels: Vec<u8>,
    labels: Vec<u8>,
    /// The digest of both files' contents.
    pub digest: String,
}

impl Pictures {
    /// Reads a recipe's files under `root`.
    ///
    /// # Errors
    /// A file is not there or damaged, its pictures are no squares, or labels do not fit pictures or classes.
    pub fn open(spec: &PicturesSpec, root: &Path) -> Result<Self, Error> {
        let (pictures, labels) = (root.join(&spec.pictures), root.join(&spec.labels));
        let ([n, rows, columns], pixels) = read::<3>(&pictures)?;
        let ([named], labels_read) = read::<1>(&labels)?;
        let fault = |path: &Path, reason: String| Error::data(&path.display().to_string(), 0, reason);
        if rows != columns || n == 0 || rows == 0 {
            return Err(fault(&pictures, format!("has {n} pictures of {columns}×{rows} pixels, expected squares")));
        }
        if named != n {
            return Err(fault(&labels, format!("has {named} labels, there are {n} pictures")));
        }
        let classes = spec.classes.len();
        if let Some(at) = labels_read.iter().position(|label| usize::from(*label) >= classes) {
            let reason = format!("label {at} is {}, there are {classes} classes", labels_read[at]);
            return Err(fault(&labels, reason));
        }
        let digest = digest::of_bytes(&[&*pixels, &labels_read].concat());
        Ok(Self { side: rows, pixels, labels: labels_read, digest })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// A picture, row by row.
    pub fn pixels(&self, at: usize) -> &[u8] {
        let size = self.side * self.side;
        &self.pixels[at * size..][..size]
    }

    /// The class of a picture.
    pub fn label(&self, at: usize) -> usize {
        usize::from(self.labels[at])
    }

    /// The pictures that are learned from and those that are held out, each by its own number.
    pub fn split(&self, seed: u64, share: f64) -> (Vec<usize>, Vec<usize>) {
        let random = Random::new(seed).named("held out");
        (0..self.len()).partition(|at| random.unit(*at as u64) >= share)
    }
}

/// The sizes and the elements of a file of bytes with `N` sizes.
fn read<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>), Error> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let mut bytes = unpacked(file).map_err(|error| Error::io(path, error))?;
    parse(&mut bytes).map_err(|reason| Error::data(&name, 0, reason))
}

/// The same of bytes; the reason if they are none. Never holds much more than there is.
fn parse<const N: usize>(bytes: &mut dyn Read) -> Result<([usize; N], Vec<u8>), String> {
    let magic = word(bytes, 0)?;
    let [0, 0, ty, sizes] = magic else { return Err(format!("begins with {magic:02x?}, which no idx file does")) };
    if ty != BYTE || usize::from(sizes) != N {
        return Err(format!("holds elements of type {ty:#04x} with {sizes} sizes, expected {BYTE:#04x} with {N}"));
    }
    let mut shape = [0; N];
    let mut count = 1_usize;
    for (i, size) in shape.iter_mut().enumerate() {
        *size = u32::from_be_bytes(word(bytes, 4 + 4 * i)?) as usize;
        count = count.saturating_mul(*size);
    }
    if count > MOST {
        return Err(format!("claims {shape:?} elements, more than {MOST}"));
    }
    let mut elements = Vec::new();
    let read = bytes.take(count as u64 + 1).read_to_end(&mut elements);
    read.map_err(|error| format!("is damaged behind byte {}: {error}", 4 + 4 * N + elements.len()))?;
    match elements.len() {
        found if found == count => Ok((shape, elements)),
        found if found < count => Err(format!("ends after {found} of the {count} elements that its header claims")),
        _ => Err(format!("goes on behind the {count} elements that its header claims")),
    }
}

/// The four bytes at a place in the header.
fn word(bytes: &mut dyn Read, at: usize) -> Result<[u8; 4], String> {
    let mut word = [0; 4];
    bytes.read_exact(&mut word).map_err(|error| format!("has no whole header, byte {at}: {error}"))?;
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], wanted: Result<([usize; 2], Vec<u8>), &str>) {
        match (parse::<2>(&mut &*bytes), wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted),
            (Err(found), Err(wanted)) => assert!(found.contains(wanted), "{found}, expected {wanted}"),
            (found, wanted) => panic!("{found:?}, expected {wanted:?}"),
        }
    }

    #[test]
    fn files_and_damage() {
        let head = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3];
        let with = |more: &[u8]| [&head[..], more].concat();
        check(&with(&[1, 2, 3, 4, 5, 6]), Ok(([2, 3], vec![1, 2, 3, 4, 5, 6])));
        check(&with(&[1, 2, 3, 4, 5]), Err("ends after 5 of the 6"));
        check(&with(&[1, 2, 3, 4, 5, 6, 7]), Err("goes on behind the 6"));
        check(&head[..11], Err("no whole header, byte 8"));
        check(&[], Err("no whole header, byte 0"));
        check(&[1, 0, 8, 2], Err("begins with [01, 00, 08, 02]"));
        check(&[0, 0, 0x0d, 2], Err("type 0x0d with 2 sizes"));
        check(&[0, 0, 8, 3], Err("type 0x08 with 3 sizes"));
        check(&[0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255], Err("more than"));
        check(&[0, 0, 8, 2, 0x0f, 255, 255, 255, 0, 0, 0, 1], Err("ends after 0 of the 268435455"));
    }
}
