//! Reading headers. The header's length is not written anywhere, so it is parsed from a buffer that grows when the
//! parser asks for more; every count and length is checked against the file's length before anything depends on it.

use super::{ALIGNMENT, ALIGNMENT_KEY, Array, MAGIC, Metadata, Value};
use crate::{Bytes, Error};
use indexmap::map::Entry;

/// The longest header. The largest tokenizers take some 20 MB.
const LONGEST_HEADER: u64 = 100 << 20;
/// How much is read at first.
const FIRST_READ: u64 = 1 << 20;
/// The most tensors.
const MAX_TENSORS: u64 = 1 << 18;
/// The most metadata keys.
const MAX_KEYS: u64 = 1 << 16;
/// The most dimensions of a tensor.
const MAX_DIMS: u32 = 4;
/// How deep arrays may lie in arrays.
const MAX_NESTING: usize = 4;
/// The largest alignment that is believed.
const MAX_ALIGNMENT: u64 = 1 << 20;

/// A tensor as the header describes it, not yet checked against its type.
#[derive(Debug, Clone)]
pub struct RawTensor {
    /// Its name in the file.
    pub name: String,
    /// Dimensions as in the file, innermost first.
    pub dims: Vec<u64>,
    /// ggml's number of its type.
    pub type_id: u32,
    /// Where it starts, counted from the start of the data.
    pub offset: u64,
}

/// A header.
#[derive(Debug, Clone)]
pub struct Header {
    /// The metadata.
    pub metadata: Metadata,
    /// The tensors.
    pub tensors: Vec<RawTensor>,
    /// What tensor offsets are multiples of.
    pub alignment: u64,
    /// Where in the file the tensor data starts; it may be past the end if there are no tensors.
    pub data_start: u64,
}

/// Why parsing ended early.
enum Stop {
    /// The buffer is too short, the file is not.
    More,
    /// The file is bad.
    Bad(Error),
}

/// Reads the header of a file.
///
/// # Errors
/// [`Error::Damaged`] for anything that contradicts the format; [`Error::Unsupported`] for version 1 and big-endian
/// files.
pub async fn read_header(file: &dyn Bytes) -> Result<Header, Error> {
    let mut buffer = Vec::new();
    let mut want = FIRST_READ;
    loop {
        let end = want.min(file.len()).min(LONGEST_HEADER);
        let start = buffer.len() as u64;
        if start == end && start > 0 {
            let reason = format!("the header is longer than {LONGEST_HEADER} bytes");
            return Err(Error::damaged(file.name(), start, reason));
        }
        buffer.append(&mut file.read(start..end).await?);
        match parse(file.name(), &buffer, file.len()) {
            Ok(header) => return Ok(header),
            Err(Stop::Bad(error)) => return Err(error),
            Err(Stop::More) => want *= 4,
        }
    }
}

/// A place in the beginning of a file.
struct Parser<'a> {
    file: &'a str,
    /// What has been read of the file.
    buffer: &'a [u8],
    at: usize,
    file_len: u64,
}

fn parse(file: &str, buffer: &[u8], file_len: u64) -> Result<Header, Stop> {
    let mut parser = Parser { file, buffer, at: 0, file_len };
    if file_len == 0 {
        return Err(parser.bad("the file is empty"));
    }
    if parser.take(4)? != MAGIC {
        parser.at = 0;
        return Err(parser.bad("not a GGUF file"));
    }
    parser.version()?;
    let tensors = parser.count(24, MAX_TENSORS, "tensors")?;
    let keys = parser.count(13, MAX_KEYS, "metadata keys")?;
    let metadata = parser.metadata(keys)?;
    let tensors = (0..tensors).map(|_| parser.tensor()).collect::<Result<Vec<_>, _>>()?;
    let alignment = parser.alignment(&metadata)?;
    let data_start = (parser.at as u64).next_multiple_of(alignment);
    Ok(Header { metadata, tensors, alignment, data_start })
}

impl<'a> Parser<'a> {
    fn bad(&self, reason: impl std::fmt::Display) -> Stop {
        Stop::Bad(Error::damaged(self.file, self.at as u64, reason))
    }

    fn left(&self) -> u64 {
        self.file_len - self.at as u64
    }

    /// The next `n` bytes.
    fn take(&mut self, n: u64) -> Result<&'a [u8], Stop> {
        if n > self.left() {
            return Err(self.bad(format!("{n} bytes should follow, the file ends after {}", self.left())));
        }
        // No larger than the file's length less `at`; it may still not fit the address space.
        let bytes = usize::try_from(n).ok().and_then(|n| self.buffer.get(self.at..self.at.checked_add(n)?));
        let bytes = bytes.ok_or(Stop::More)?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N as u64)?);
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Stop> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Stop> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of things that take at least `least` bytes each.
    fn count(&mut self, least: u64, most: u64, what: &str) -> Result<u64, Stop> {
        let start = self.at;
        let count = self.u64()?;
        if count > most || count > self.left() / least {
            self.at = start;
            return Err(self.bad(format!("{count} {what} cannot be in a file of {} bytes", self.file_len)));
        }
        Ok(count)
    }

    fn version(&mut self) -> Result<(), Stop> {
        let version = self.u32()?;
        let refused = |reason: String| Err(Stop::Bad(Error::unsupported(self.file, reason)));
        match version {
            2 | 3 => Ok(()),
            0x0200_0000 | 0x0300_0000 => refused("big-endian GGUF is not supported".into()),
            _ => refused(format!("GGUF version {version} is not supported (2 and 3 are)")),
        }
    }

    fn string(&mut self) -> Result<String, Stop> {
        let length = self.u64()?;
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_string()),
            Err(_) => {
                self.at -= bytes.len();
                Err(self.bad("a string that is not UTF-8"))
            }
        }
    }

    fn metadata(&mut self, keys: u64) -> Result<Metadata, Stop> {
        let mut metadata = Metadata::default();
        for _ in 0..keys {
            let start = self.at;
            let key = self.string()?;
            let type_id = self.u32()?;
            let value = self.value(type_id)?;
            match metadata.0.entry(key) {
                Entry::Vacant(entry) => entry.insert(value),
                Entry::Occupied(entry) => {
                    self.at = start;
                    return Err(self.bad(format!("the metadata key {:?} comes twice", entry.key())));
                }
            };
        }
        Ok(metadata)
    }

    fn value(&mut self, type_id: u32) -> Result<Value, Stop> {
        Ok(match type_id {
            0 => Value::U8(u8::from_le_bytes(self.array()?)),
            1 => Value::I8(i8::from_le_bytes(self.array()?)),
            2 => Value::U16(u16::from_le_bytes(self.array()?)),
            3 => Value::I16(i16::from_le_bytes(self.array()?)),
            4 => Value::U32(u32::from_le_bytes(self.array()?)),
            5 => Value::I32(i32::from_le_bytes(self.array()?)),
            6 => Value::F32(f32::from_le_bytes(self.array()?)),
            7 => Value::Bool(self.boolean()?),
            8 => Value::String(self.string()?),
            9 => Value::Array(self.list(0)?),
            10 => Value::U64(u64::from_le_bytes(self.array()?)),
            11 => Value::I64(i64::from_le_bytes(self.array()?)),
            12 => Value::F64(f64::from_le_bytes(self.array()?)),
            _ => return Err(self.bad(format!("metadata of unknown type {type_id}"))),
        })
    }

    fn boolean(&mut self) -> Result<bool, Stop> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(self.bad(format!("a truth value of {other}"))),
        }
    }

    /// A list that lies in `depth` others.
    fn list(&mut self, depth: usize) -> Result<Array, Stop> {
        if depth == MAX_NESTING {
            return Err(self.bad(format!("arrays nested deeper than {MAX_NESTING}")));
        }
        Ok(match self.u32()? {
            0 => Array::U8(self.numbers(u8::from_le_bytes)?),
            1 => Array::I8(self.numbers(i8::from_le_bytes)?),
            2 => Array::U16(self.numbers(u16::from_le_bytes)?),
            3 => Array::I16(self.numbers(i16::from_le_bytes)?),
            4 => Array::U32(self.numbers(u32::from_le_bytes)?),
            5 => Array::I32(self.numbers(i32::from_le_bytes)?),
            6 => Array::F32(self.numbers(f32::from_le_bytes)?),
            7 => Array::Bool(self.items(1, Parser::boolean)?),
            8 => Array::String(self.items(8, Parser::string)?),
            9 => Array::Array(self.items(12, |parser| parser.list(depth + 1))?),
            10 => Array::U64(self.numbers(u64::from_le_bytes)?),
            11 => Array::I64(self.numbers(i64::from_le_bytes)?),
            12 => Array::F64(self.numbers(f64::from_le_bytes)?),
            other => return Err(self.bad(format!("an array of unknown type {other}"))),
        })
    }

    /// A counted list of numbers of `N` bytes.
    fn numbers<const N: usize, T>(&mut self, convert: fn([u8; N]) -> T) -> Result<Vec<T>, Stop> {
        let count = self.count(N as u64, u64::MAX, "array elements")?;
        let bytes = self.take(count * N as u64)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|&bytes| convert(bytes)).collect())
    }

    /// A counted list of things that take at least `least` bytes each.
    fn items<T>(&mut self, least: u64, item: impl Fn(&mut Self) -> Result<T, Stop>) -> Result<Vec<T>, Stop> {
        let count = self.count(least, u64::MAX, "array elements")?;
        // Room is made only for what the buffer can hold; a longer list ends in a demand for more anyway.
        if count > (self.buffer.len() - self.at) as u64 / least {
            return Err(Stop::More);
        }
        let mut items = Vec::with_capacity(count as usize);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn tensor(&mut self) -> Result<RawTensor, Stop> {
        let start = self.at;
        let name = self.string()?;
        let rank = self.u32()?;
        if rank > MAX_DIMS {
            self.at = start;
            return Err(Stop::Bad(Error::tensor(
                self.file,
                &name,
                format!("{rank} dimensions, at most 4 are allowed"),
            )));
        }
        let dims = (0..rank).map(|_| self.u64()).collect::<Result<_, _>>()?;
        Ok(RawTensor { name, dims, type_id: self.u32()?, offset: self.u64()? })
    }

    fn alignment(&self, metadata: &Metadata) -> Result<u64, Stop> {
        let alignment = match metadata.get(ALIGNMENT_KEY) {
            None => ALIGNMENT,
            Some(value) => value.as_u64().unwrap_or(0),
        };
        if alignment == 0 || !alignment.is_multiple_of(8) || alignment > MAX_ALIGNMENT {
            return Err(self.bad(format!("{ALIGNMENT_KEY} is no multiple of 8 up to {MAX_ALIGNMENT}")));
        }
        Ok(alignment)
    }
}
