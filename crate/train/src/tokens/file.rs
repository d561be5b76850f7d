//! The file of tokens.
//!
//! Little-endian: `DYNTOK1\n`; the length of a JSON header in 4 bytes; the header, which names the digests of texts and
//! tokenizer and the width of a token; the tokens, two or four bytes each, the id above one bit that says whether the
//! token is learned; 8 bytes a document (source 2, held out 1, zero 1, length 4); the JSON of the sources; its length
//! in 4 bytes; the number of documents in 8; the SHA-256 of all that in 32.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use format::AtomicFile;
use serde::{Deserialize, Serialize};

use super::{Entry, Keys, SourceCount, Store, Token, Tokens};
use crate::Error;
use crate::digest::{self, Digest};

const MAGIC: &[u8; 8] = b"DYNTOK1\n";
/// Of the lengths after the sources.
const LENGTHS: u64 = 12;
const DIGEST: u64 = 32;
const ENTRY: u64 = 8;
/// The longest header or list of sources.
const LONGEST: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(flatten)]
    keys: Keys,
    width: u64,
}

/// Writes a file of tokens under a temporary name.
pub struct TokenWriter {
    file: AtomicFile,
    digest: Digest,
    width: u64,
    entries: Vec<Entry>,
    next: u64,
}

impl TokenWriter {
    /// Starts a file for a vocabulary of `n_vocab` tokens.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn create(path: &Path, keys: &Keys, n_vocab: usize) -> Result<Self, Error> {
        let width = if n_vocab <= 1 << 15 { 2 } else { 4 };
        let file = AtomicFile::create(path)?;
        let mut writer = Self { file, digest: Digest::default(), width, entries: Vec::new(), next: 0 };
        let header = json(&Header { keys: keys.clone(), width })?;
        writer.put(MAGIC)?;
        writer.put(&(header.len() as u32).to_le_bytes())?;
        writer.put(&header)?;
        Ok(writer)
    }

    /// Adds a document.
    ///
    /// # Errors
    /// It cannot be written: the disk may be full.
    pub fn push(&mut self, source: u16, validation: bool, tokens: &[Token]) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(tokens.len() * self.width as usize);
        for token in tokens {
            bytes.extend(&token.packed().to_le_bytes()[..self.width as usize]);
        }
        self.put(&bytes)?;
        self.entries.push(Entry { source, validation, start: self.next, len: tokens.len() as u32 });
        self.next += tokens.len() as u64;
        Ok(())
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// It cannot be written or renamed; then nothing is left and an older file stays.
    pub fn finish(mut self, sources: &[SourceCount]) -> Result<(), Error> {
        let entries = std::mem::take(&mut self.entries);
        for entry in &entries {
            let [low, high] = entry.source.to_le_bytes();
            self.put(&[low, high, u8::from(entry.validation), 0])?;
            self.put(&entry.len.to_le_bytes())?;
        }
        let sources = json(sources)?;
        self.put(&sources)?;
        self.put(&(sources.len() as u32).to_le_bytes())?;
        self.put(&(entries.len() as u64).to_le_bytes())?;
        let digest = self.digest.clone().bytes();
        self.put(&digest)?;
        Ok(self.file.commit()?)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.digest.write_all(bytes).and_then(|()| self.file.write_all(bytes));
        written.map_err(|error| Error::io(self.file.target(), error))
    }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::cache("tokens", error))
}

/// Opens a file of tokens and checks all of it.
///
/// # Errors
/// [`Error::Cache`] with the reason why it has to be made anew: there is none, it is damaged, or it was made from other
/// texts or by another tokenizer.
pub fn open(path: &Path, keys: &Keys) -> Result<Tokens, Error> {
    let name = path.display().to_string();
    let parse = || -> Result<Tokens, String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let len = file.metadata().map_err(|error| error.to_string())?.len();
        let least = MAGIC.len() as u64 + 4 + LENGTHS + DIGEST;
        if len < least {
            return Err(format!("has {len} bytes, too few for a file of tokens"));
        }
        let start = at(&mut file, 0, 12)?;
        if start[..8] != *MAGIC {
            return Err("is no file of tokens".into());
        }
        let header_len = number(&start[8..]);
        if header_len > LONGEST.min(len - least) {
            return Err(format!("is damaged: its header claims {header_len} bytes"));
        }
        let header: Header = parse_json(&at(&mut file, 12, header_len)?)?;
        if header.keys.corpus != keys.corpus {
            return Err("was made from other texts".into());
        }
        if header.keys.tokenizer != keys.tokenizer {
            return Err("was made by another tokenizer".into());
        }
        check_digest(&mut file, len)?;
        let tail = at(&mut file, len - DIGEST - LENGTHS, LENGTHS)?;
        let (sources_len, documents) = (number(&tail[..4]), number(&tail[4..]));
        let body = 12 + header_len;
        let after = documents.checked_mul(ENTRY).and_then(|n| n.checked_add(sources_len + LENGTHS + DIGEST + body));
        let tokens = after.and_then(|after| len.checked_sub(after)).ok_or("is damaged: its lengths contradict it")?;
        if !matches!(header.width, 2 | 4) || tokens % header.width != 0 {
            return Err("is damaged: its lengths contradict it".into());
        }
        let entries = entries(&at(&mut file, body + tokens, documents * ENTRY)?, tokens / header.width)?;
        let sources: Vec<SourceCount> = parse_json(&at(&mut file, body + tokens + documents * ENTRY, sources_len)?)?;
        let reader = Reader { path: path.to_path_buf(), file: Mutex::new(file), body, width: header.width };
        Ok(Tokens { entries, sources, store: Store::File(reader) })
    };
    parse().map_err(|reason| Error::cache(&name, reason))
}

/// Little-endian, up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

fn parse_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("is damaged: {error}"))
}

fn at(file: &mut File, offset: u64, len: u64) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; usize::try_from(len).map_err(|error| error.to_string())?];
    file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn check_digest(file: &mut File, len: u64) -> Result<(), String> {
    let wanted = digest::hex(&at(file, len - DIGEST, DIGEST)?);
    file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
    let found = digest::of_reader(&mut file.take(len - DIGEST)).map_err(|error| error.to_string())?;
    if found == wanted { Ok(()) } else { Err("is damaged: its digest is another".into()) }
}

fn entries(bytes: &[u8], tokens: u64) -> Result<Vec<Entry>, String> {
    let mut start = 0;
    let mut entries = Vec::with_capacity(bytes.len() / ENTRY as usize);
    for entry in bytes.chunks_exact(ENTRY as usize) {
        let len = number(&entry[4..]) as u32;
        entries.push(Entry { source: number(&entry[..2]) as u16, validation: entry[2] == 1, start, len });
        start += u64::from(len);
    }
    if start == tokens { Ok(entries) } else { Err("is damaged: its documents do not fill it".into()) }
}

/// The tokens of an opened file.
pub struct Reader {
    path: PathBuf,
    file: Mutex<File>,
    body: u64,
    width: u64,
}

impl Reader {
    pub(super) fn read(&self, start: u64, len: usize, out: &mut Vec<Token>) -> Result<(), Error> {
        let mut file = self.file.lock().map_err(|error| Error::io(&self.path, error))?;
        let bytes = at(&mut file, self.body + start * self.width, len as u64 * self.width);
        let bytes = bytes.map_err(|reason| Error::io(&self.path, reason))?;
        out.extend(bytes.chunks_exact(self.width as usize).map(|token| Token::unpacked(number(token) as u32)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(corpus: &str) -> Keys {
        Keys { corpus: corpus.into(), tokenizer: "t".into() }
    }

    fn write(path: &Path, n_vocab: usize, last: u32) {
        let token = |id, learn| Token { id, learn };
        let mut writer = TokenWriter::create(path, &keys("c"), n_vocab).unwrap();
        writer.push(0, false, &[token(1, true), token(2, false)]).unwrap();
        writer.push(3, true, &[token(last, true)]).unwrap();
        writer.finish(&[SourceCount { name: "s".into(), ..SourceCount::default() }]).unwrap();
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = crate::test_folder("tokens");
        for (n_vocab, last) in [(1 << 15, (1 << 15) - 1), (1 << 20, (1 << 20) - 1)] {
            let path = folder.join(format!("{n_vocab}.tokens"));
            write(&path, n_vocab, last);
            let tokens = open(&path, &keys("c")).unwrap();
            let entry = Entry { source: 3, validation: true, start: 2, len: 1 };
            assert_eq!((tokens.entries().len(), tokens.entries()[1]), (2, entry));
            assert_eq!((tokens.trained(), &*tokens.sources()[0].name), (2, "s"));
            let mut read = Vec::new();
            tokens.read(1, 2, &mut read).unwrap();
            assert_eq!(read, [Token { id: 2, learn: false }, Token { id: last, learn: true }]);
            assert!(tokens.read(2, 1 << 20, &mut read).is_err());
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn every_damaged_byte_is_seen() {
        let folder = crate::test_folder("damaged-tokens");
        let path = folder.join("tokens");
        write(&path, 300, 7);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x41;
            std::fs::write(&path, &damaged).unwrap();
            assert!(open(&path, &keys("c")).is_err(), "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(open(&path, &keys("c")).is_err(), "cut at {at}");
        }
        std::fs::write(&path, &whole).unwrap();
        let stale = open(&path, &keys("d")).err().unwrap().to_string();
        assert!(stale.ends_with("was made from other texts"), "{stale}");
        assert!(open(&folder.join("none"), &keys("c")).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
