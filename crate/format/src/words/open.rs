//! Which kind of word vectors a file holds.

use super::stream::Stream;
use super::{WIDEST, WordTable, binary, gguf, text};
use crate::{Bytes, Error};
use std::rc::Rc;

/// What else such a file may turn out to be.
const REFUSED: [(&[u8], &str); 6] = [
    (b"\x1f\x8b", "compressed by gzip; unpack it first"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x80\x02", "a Python pickle, not word vectors; save it in word2vec's format"),
    (b"\x80\x04", "a Python pickle, not word vectors; save it in word2vec's format"),
    (b"\x89HDF", "an HDF5 file, not word vectors"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file it stands for"),
];

/// The first line of word2vec's formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) count: u64,
    pub(super) dim: usize,
}

impl WordTable {
    /// Reads word vectors: word2vec text or binary, headerless text, or GGUF, told apart by their first bytes. Beside
    /// the vectors themselves memory holds little of the file, and nothing is allocated on a header's word.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the place, if the file is empty or cut, its header lies, a vector has another number
    /// of values or one that is no finite number, or a word comes twice or is no UTF-8; [`Error::Unsupported`] if it
    /// is known to be something else.
    pub async fn open(file: Rc<dyn Bytes>) -> Result<WordTable, Error> {
        let mut stream = Stream::new(&*file);
        let start = stream.ahead(32).await?;
        if start.is_empty() {
            return Err(stream.damaged("the file is empty"));
        }
        if start.starts_with(crate::gguf::MAGIC) {
            return gguf::read(file.clone()).await;
        }
        if let Some((_, reason)) = REFUSED.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Err(Error::unsupported(file.name(), reason));
        }
        let first = text::line(&mut stream).await?;
        let Some(header) = header(&stream, &first)? else {
            return text::headerless(&mut stream).await;
        };
        stream.pass(first.len() + 1);
        if is_text(&mut stream, header.dim).await? {
            text::rows(&mut stream, header).await
        } else {
            binary::rows(&mut stream, header).await
        }
    }
}

/// The two counts of a first line; `None` if it holds a word and its vector.
fn header(stream: &Stream<'_>, line: &[u8]) -> Result<Option<Header>, Error> {
    let line = String::from_utf8_lossy(line);
    let fields: Vec<&str> = line.split_ascii_whitespace().take(3).collect();
    let whole = |field: &str| field.trim_start_matches(['-', '+']).bytes().all(|b| b.is_ascii_digit());
    let [count, dim] = fields[..] else { return Ok(None) };
    if !whole(dim) {
        return Ok(None);
    }
    let (Ok(count), Ok(dim)) = (count.parse::<u64>(), dim.parse::<u64>()) else {
        return Err(stream.damaged(format!("the header {count:?} {dim:?} is not two counts")));
    };
    if count == 0 || dim == 0 || dim > WIDEST as u64 {
        return Err(stream.damaged(format!("the header claims {count} words of {dim} values")));
    }
    Ok(Some(Header { count, dim: dim as usize }))
}

/// Whether the first vector is written in digits. Of the bytes of floats more than half are neither printable nor
/// blank; of a text's, damaged or not, hardly any.
async fn is_text(stream: &mut Stream<'_>, dim: usize) -> Result<bool, Error> {
    let Some(word) = stream.until(b' ', super::LONGEST_WORD).await? else { return Ok(true) };
    let length = (4 * dim).min(4096);
    let ahead = stream.ahead(word + 1 + length).await?;
    let values = ahead.get(word + 1..).unwrap_or_default();
    let values = &values[..length.min(values.len())];
    let strange = values.iter().filter(|byte| !matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')).count();
    Ok(strange * 4 <= values.len())
}
