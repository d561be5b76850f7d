//! Rows of bytes: a word, a space, and its values as little-endian f32; a newline may follow each.

use super::open::Header;
use super::stream::Stream;
use super::text::shown;
use super::{LONGEST_WORD, WordTable};
use crate::Error;

/// The rows below a header.
pub(super) async fn rows(stream: &mut Stream<'_>, header: Header) -> Result<WordTable, Error> {
    let Header { count, dim } = header;
    // A word has one byte at least, and a space.
    let least = (4 * dim as u64 + 2).saturating_mul(count);
    if least > stream.left() {
        let left = stream.left();
        return Err(stream.damaged(format!("the header claims {count} words of {dim} values, {left} bytes follow it")));
    }
    let mut table = WordTable::new(dim);
    let mut vector = Vec::with_capacity(dim);
    for number in 1..=count {
        row(stream, &mut table, &mut vector, number).await?;
    }
    newline(stream).await?;
    match stream.left() {
        0 => Ok(table),
        left => Err(stream.damaged(format!("{left} bytes follow the last of {count} words"))),
    }
}

/// Passes the end of a vector's line, if there is one.
async fn newline(stream: &mut Stream<'_>) -> Result<(), Error> {
    if stream.ahead(1).await?.first() == Some(&b'\n') {
        stream.pass(1);
    }
    Ok(())
}

async fn row(stream: &mut Stream<'_>, table: &mut WordTable, vector: &mut Vec<f32>, number: u64) -> Result<(), Error> {
    newline(stream).await?;
    let length = match stream.until(b' ', LONGEST_WORD).await? {
        Some(length) => length,
        None if stream.left() < LONGEST_WORD as u64 => {
            return Err(stream.damaged(format!("the file ends in word {number}")));
        }
        None => return Err(stream.damaged(format!("word {number} does not end within {LONGEST_WORD} bytes"))),
    };
    let size = length + 1 + 4 * table.dim;
    let ahead = stream.ahead(size).await?;
    let Some((word, bytes)) = ahead.get(..size).map(|row| (&row[..length], &row[length + 1..])) else {
        return Err(stream.damaged(format!("the file ends in the vector of word {number}")));
    };
    vector.clear();
    vector.extend(bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
    let added = match std::str::from_utf8(word) {
        Ok(word) => table.push(word, vector),
        Err(_) => Err(shown(word)),
    };
    added.map_err(|reason| stream.damaged(format!("word {number}: {reason}")))?;
    stream.pass(size);
    Ok(())
}
