//! The directory of a zip archive, as far as `torch.save` uses it: stored entries, 64-bit sizes.
//!
//! Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3.

use std::collections::HashMap;
use std::ops::Range;

use crate::safetensors::MAX_TENSORS;
use crate::{Bytes, Error};

/// A comment at the end has up to 64 KiB.
const LONGEST_END: u64 = 22 + 0xffff;
/// The longest directory.
const LONGEST_DIRECTORY: u64 = 128 << 20;

/// The entries of an archive.
pub(super) struct Archive {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

/// One stored file of an archive.
pub(super) struct Entry {
    pub(super) name: String,
    /// Where its local header begins.
    header: u64,
    size: u64,
    compressed: bool,
}

/// Little-endian numbers of a record.
struct Record<'a>(&'a [u8]);

impl Record<'_> {
    fn u16(&self, at: usize) -> Option<u64> {
        Some(u16::from_le_bytes(*self.0.get(at..)?.first_chunk()?).into())
    }

    fn u32(&self, at: usize) -> Option<u64> {
        Some(u32::from_le_bytes(*self.0.get(at..)?.first_chunk()?).into())
    }

    fn u64(&self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(*self.0.get(at..)?.first_chunk()?))
    }
}

impl Archive {
    /// Reads the directory.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is none, or it contradicts itself or the file.
    pub(super) async fn read(file: &dyn Bytes) -> Result<Archive, Error> {
        let (count, range) = directory(file).await?;
        let data = file.read(range.clone()).await?;
        let mut archive = Archive { entries: Vec::new(), by_name: HashMap::new() };
        let mut at = 0;
        for _ in 0..count {
            let broken = || Error::damaged(file.name(), range.start + at as u64, "the archive's directory is broken");
            let (entry, next) = parse(&data, at).ok_or_else(broken)?;
            // A local header has at least 30 bytes.
            if entry
                .header
                .checked_add(30)
                .and_then(|end| end.checked_add(entry.size))
                .is_none_or(|end| end > file.len())
            {
                let reason = format!("{} does not lie in the file", entry.name);
                return Err(Error::damaged(file.name(), range.start + at as u64, reason));
            }
            if archive.by_name.insert(entry.name.clone(), archive.entries.len()).is_some() {
                let reason = format!("{} comes twice in the archive", entry.name);
                return Err(Error::damaged(file.name(), range.start + at as u64, reason));
            }
            archive.entries.push(entry);
            at = next;
        }
        Ok(archive)
    }

    /// The entry of that name.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).map(|at| &self.entries[*at])
    }

    /// The first entry whose name fits.
    pub(super) fn find(&self, fits: impl Fn(&str) -> bool) -> Option<&Entry> {
        self.entries.iter().find(|entry| fits(&entry.name))
    }
}

/// How many entries the directory has, and where it lies.
async fn directory(file: &dyn Bytes) -> Result<(u64, Range<u64>), Error> {
    let broken = |reason: &str| Error::damaged(file.name(), file.len(), reason);
    let start = file.len().saturating_sub(LONGEST_END);
    let tail = file.read(start..file.len()).await?;
    let at = tail.windows(4).rposition(|four| four == b"PK\x05\x06");
    let at = at.filter(|at| at + 22 <= tail.len());
    let at = at.ok_or_else(|| broken("the zip archive of PyTorch is cut off: it has no directory at its end"))?;
    let end = Record(&tail[at..]);
    let fields = (end.u16(10), end.u32(12), end.u32(16));
    let (Some(mut count), Some(mut size), Some(mut offset)) = fields else {
        return Err(broken("the archive's end is broken"));
    };
    if count == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff {
        let lost = || broken("the archive's 64-bit directory is not where it says");
        let locator = at.checked_sub(20).map(|at| &tail[at..]).filter(|tail| tail.starts_with(b"PK\x06\x07"));
        let place = locator.and_then(|tail| Record(tail).u64(8)).ok_or_else(lost)?;
        let record = file.read(place..place.saturating_add(56)).await?;
        let wide = Record(&record);
        let fields = (wide.u64(32), wide.u64(40), wide.u64(48));
        let (true, (Some(n), Some(bytes), Some(from))) = (record.starts_with(b"PK\x06\x06"), fields) else {
            return Err(lost());
        };
        (count, size, offset) = (n, bytes, from);
    }
    let inside = offset.checked_add(size).is_some_and(|end| end <= file.len());
    if !inside || size > LONGEST_DIRECTORY || count > 2 * MAX_TENSORS as u64 || count > size / 46 {
        return Err(broken(&format!("a directory of {count} entries in {size} bytes at {offset} is not possible")));
    }
    Ok((count, offset..offset + size))
}

/// One entry of the directory, and where the next one begins.
fn parse(data: &[u8], at: usize) -> Option<(Entry, usize)> {
    let record = Record(data.get(at..).filter(|rest| rest.starts_with(b"PK\x01\x02"))?);
    let method = record.u16(10)?;
    let (mut packed, mut size) = (record.u32(20)?, record.u32(24)?);
    let (name_len, extra_len, comment_len) =
        (record.u16(28)? as usize, record.u16(30)? as usize, record.u16(32)? as usize);
    let mut header = record.u32(42)?;
    let name = record.0.get(46..46 + name_len)?;
    let extra = record.0.get(46 + name_len..46 + name_len + extra_len)?;
    // Those of the three that did not fit are in a field of their own, in this order.
    let mut wide = wide_field(extra);
    for value in [&mut size, &mut packed, &mut header] {
        if *value == 0xffff_ffff {
            *value = Record(wide).u64(0)?;
            wide = &wide[8..];
        }
    }
    let encrypted = record.u16(8)? & 1 != 0;
    let compressed = method != 0 || packed != size || encrypted;
    let entry = Entry { name: String::from_utf8_lossy(name).into_owned(), header, size, compressed };
    Some((entry, at + 46 + name_len + extra_len + comment_len))
}

/// The field of 64-bit numbers among an entry's extra ones.
fn wide_field(mut extra: &[u8]) -> &[u8] {
    while let (Some(id), Some(size)) = (Record(extra).u16(0), Record(extra).u16(2)) {
        let Some(field) = extra.get(4..4 + size as usize) else { break };
        if id == 1 {
            return field;
        }
        extra = &extra[4 + size as usize..];
    }
    &[]
}

impl Entry {
    /// Where its bytes lie in the file.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if they are compressed, [`Error::Damaged`] if its own header is broken.
    pub(super) async fn data(&self, headers: &mut Window<'_>) -> Result<Range<u64>, Error> {
        let file = headers.file;
        if self.compressed {
            let reason = format!("{} is compressed; torch.save stores values as they are", self.name);
            return Err(Error::unsupported(file.name(), reason));
        }
        let broken = |reason: &str| Error::damaged(file.name(), self.header, format!("{}: {reason}", self.name));
        let header = headers.read(self.header, 30).await?;
        let record = Record(&header);
        let (true, Some(name), Some(extra)) = (header.starts_with(super::ZIP), record.u16(26), record.u16(28)) else {
            return Err(broken("its header is broken"));
        };
        let start = self.header + 30 + name + extra;
        match start.checked_add(self.size).filter(|end| *end <= file.len()) {
            Some(end) => Ok(start..end),
            None => Err(broken("it does not lie in the file")),
        }
    }
}

/// Small records of a file, read in pieces that hold many of them where they lie near each other.
pub(super) struct Window<'a> {
    file: &'a dyn Bytes,
    start: u64,
    data: Vec<u8>,
}

impl<'a> Window<'a> {
    /// Bytes that are read at once.
    const PIECE: u64 = 16 << 10;

    pub(super) fn new(file: &'a dyn Bytes) -> Self {
        Self { file, start: 0, data: Vec::new() }
    }

    /// Some bytes at a place.
    pub(super) async fn read(&mut self, at: u64, len: usize) -> Result<Vec<u8>, Error> {
        let known = |window: &Self| {
            let from = usize::try_from(at.checked_sub(window.start)?).ok()?;
            window.data.get(from..from.checked_add(len)?).map(<[u8]>::to_vec)
        };
        if let Some(data) = known(self) {
            return Ok(data);
        }
        let end = at.saturating_add(Self::PIECE.max(len as u64)).min(self.file.len());
        self.data = self.file.read(at..end.max(at)).await?;
        self.start = at;
        known(self).ok_or_else(|| Error::damaged(self.file.name(), at, "the file is cut off"))
    }
}
