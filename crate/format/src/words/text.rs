//! Rows of text: a word and its values, apart by blanks, one word a line.

use super::open::Header;
use super::stream::Stream;
use super::{LONGEST_WORD, WordTable};
use crate::Error;

/// The longest line in bytes: 64 a value of the widest vectors that are found, and a word.
const LONGEST_LINE: usize = 1 << 20;

/// The next line without its end, which is not passed.
pub(super) async fn line(stream: &mut Stream<'_>) -> Result<Vec<u8>, Error> {
    let length = match stream.until(b'\n', LONGEST_LINE).await? {
        Some(length) => length,
        None if stream.left() < LONGEST_LINE as u64 => stream.left() as usize,
        None => return Err(stream.damaged(format!("no line ends within {LONGEST_LINE} bytes"))),
    };
    let ahead = stream.ahead(length).await?;
    Ok(ahead[..length.min(ahead.len())].to_vec())
}

/// The rows below a header.
pub(super) async fn rows(stream: &mut Stream<'_>, header: Header) -> Result<WordTable, Error> {
    // A value needs a blank and a digit, a word one byte.
    let least = header.count.saturating_mul(2 * header.dim as u64 + 1);
    if least > stream.left() {
        let Header { count, dim } = header;
        let left = stream.left();
        return Err(stream.damaged(format!("the header claims {count} words of {dim} values, {left} bytes follow it")));
    }
    let mut table = WordTable::new(header.dim);
    read(stream, &mut table, 1, Some(header.count)).await?;
    let found = table.words.len() as u64;
    if found < header.count {
        return Err(stream.damaged(format!("the header claims {} words, the file ends after {found}", header.count)));
    }
    Ok(table)
}

/// The rows of a file without a header: the first one says how many values a vector has.
pub(super) async fn headerless(stream: &mut Stream<'_>) -> Result<WordTable, Error> {
    let first = line(stream).await?;
    let dim = fields(&first).count().saturating_sub(1);
    if dim == 0 || dim > super::WIDEST {
        return Err(stream.damaged("line 1 is neither two counts nor a word and its values"));
    }
    let mut table = WordTable::new(dim);
    read(stream, &mut table, 0, None).await?;
    Ok(table)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// What stands between the blanks.
fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| is_blank(byte)).filter(|field| !field.is_empty())
}

/// Reads rows to the end of the file; `number` lines were passed before.
async fn read(stream: &mut Stream<'_>, table: &mut WordTable, number: u64, most: Option<u64>) -> Result<(), Error> {
    let mut vector = Vec::with_capacity(table.dim);
    let (mut number, mut blank) = (number, None);
    while stream.left() > 0 {
        let line = line(stream).await?;
        number += 1;
        let fail = |reason: String| stream.damaged(format!("line {number}: {reason}"));
        if line.iter().all(|&byte| is_blank(byte)) {
            blank = blank.or(Some(number));
        } else if let Some(blank) = blank {
            return Err(fail(format!("line {blank} is empty, but words follow it")));
        } else if most == Some(table.words.len() as u64) {
            return Err(fail("more words than the header claims".into()));
        } else {
            let word = row(&line, table.dim, &mut vector).map_err(fail)?;
            table.push(word, &vector).map_err(fail)?;
        }
        stream.pass(line.len() + 1);
    }
    Ok(())
}

/// Parses one row: gives the word, and its values in `vector`. A word may hold blanks, as some published ones do.
fn row<'a>(line: &'a [u8], dim: usize, vector: &mut Vec<f32>) -> Result<&'a str, String> {
    let count = fields(line).count();
    let number = |field: &[u8]| std::str::from_utf8(field).ok().and_then(|text| text.parse::<f32>().ok());
    let before = count.checked_sub(dim).and_then(|words| fields(line).nth(words.checked_sub(1)?));
    let Some(before) = before.filter(|field| count == dim + 1 || number(field).is_none()) else {
        return Err(format!("{} values, expected {dim}", count.saturating_sub(1)));
    };
    let place = |part: &[u8]| part.as_ptr() as usize - line.as_ptr() as usize;
    let end = place(before) + before.len();
    let start = fields(line).next().map_or(0, place);
    let word = std::str::from_utf8(&line[start..end]).map_err(|_| shown(&line[start..end]))?;
    vector.clear();
    for field in fields(&line[end..]) {
        let value = number(field);
        let what =
            || format!("value {} of {word:?}, {}, is no number", vector.len() + 1, String::from_utf8_lossy(field));
        vector.push(value.ok_or_else(what)?);
    }
    Ok(word)
}

/// What to say of a word that is no text.
pub(super) fn shown(word: &[u8]) -> String {
    let start = &word[..word.len().min(LONGEST_WORD.min(40))];
    format!("the word {:?} is not UTF-8", String::from_utf8_lossy(start))
}
