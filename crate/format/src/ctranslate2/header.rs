//! The header and the variables of a CTranslate2 model, each a name, a shape and its values, one after the other.

use std::rc::Rc;

use indexmap::IndexMap;

use crate::{Bytes, Dtype, Error, QuantType};

/// The versions of the layout that are read.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=6;
/// The most variables; published models have some thousands.
const MOST: u32 = 1 << 16;
/// No published variable has more dimensions.
const MOST_DIMS: u8 = 8;

/// A variable: where its values lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub shape: Vec<usize>,
    pub ty: Ty,
    pub offset: u64,
    pub bytes: u64,
}

/// The types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    Float(QuantType),
    I8,
    I16,
    I32,
}

impl Ty {
    fn of_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Float(QuantType::F32),
            1 => Self::I8,
            2 => Self::I16,
            3 => Self::I32,
            4 => Self::Float(QuantType::F16),
            5 => Self::Float(QuantType::BF16),
            _ => return None,
        })
    }

    /// Before version 4 the size alone tells the type.
    fn of_size(size: u8) -> Option<Self> {
        Some(match size {
            1 => Self::I8,
            2 => Self::I16,
            4 => Self::Float(QuantType::F32),
            _ => return None,
        })
    }

    fn size(self) -> u64 {
        match self {
            Self::Float(QuantType::F32) | Self::I32 => 4,
            Self::I8 => 1,
            Self::Float(_) | Self::I16 => 2,
        }
    }

    /// The checkpoint's type, where the values can be read as they are.
    pub fn dtype(self) -> Option<Dtype> {
        match self {
            Self::Float(ty) => Some(Dtype::Quant(ty)),
            Self::I8 | Self::I16 | Self::I32 => None,
        }
    }
}

/// What a file holds.
pub(super) struct Header {
    /// The kind of model, such as `TransformerSpec`.
    pub spec: String,
    /// The variables by name; one that another name stands for too is there twice.
    pub variables: IndexMap<String, Variable>,
}

/// Reads names, shapes and places; the values are skipped.
///
/// # Errors
/// [`Error::Damaged`] names the place that contradicts the layout.
pub(super) async fn read(file: &Rc<dyn Bytes>) -> Result<Header, Error> {
    let mut reader = Reader { file, at: 0, window: Vec::new(), start: 0 };
    let version = reader.u32().await?;
    if !VERSIONS.contains(&version) {
        return Err(Error::damaged(file.name(), 0, format!("{version} is no version of CTranslate2's layout")));
    }
    let spec = reader.text().await?;
    reader.u32().await?; // the revision of the spec
    let count = reader.u32().await?;
    if count > MOST {
        return Err(reader.fail(format!("{count} variables are too many")));
    }
    let mut variables = IndexMap::new();
    for _ in 0..count {
        let name = reader.text().await?;
        let variable = reader.variable(version).await?;
        if variables.insert(name.clone(), variable).is_some() {
            return Err(Error::tensor(file.name(), &name, "the name comes twice"));
        }
    }
    if version >= 3 {
        for _ in 0..reader.u32().await?.min(MOST) {
            let (alias, name) = (reader.text().await?, reader.text().await?);
            let target = variables.get(&name).cloned();
            let target = target
                .ok_or_else(|| Error::tensor(file.name(), &alias, format!("stands for {name}, which is missing")))?;
            variables.insert(alias, target);
        }
    }
    if reader.at != file.len() {
        return Err(reader.fail(format!("{} bytes follow the last variable", file.len() - reader.at)));
    }
    Ok(Header { spec, variables })
}

/// Reads forwards, a window at a time.
struct Reader<'f> {
    file: &'f Rc<dyn Bytes>,
    at: u64,
    window: Vec<u8>,
    start: u64,
}

/// Bytes read at once: names and shapes are short.
const WINDOW: u64 = 4096;

impl Reader<'_> {
    fn fail(&self, reason: impl std::fmt::Display) -> Error {
        Error::damaged(self.file.name(), self.at, reason)
    }

    async fn take(&mut self, n: usize) -> Result<&[u8], Error> {
        let end = self.at + n as u64;
        if end > self.file.len() {
            return Err(self.fail(format!("{n} bytes are expected, the file ends at {}", self.file.len())));
        }
        if self.at < self.start || end > self.start + self.window.len() as u64 {
            self.start = self.at;
            let stop = self.file.len().min(end.max(self.at + WINDOW));
            self.window = self.file.read(self.at..stop).await?;
        }
        let from = (self.at - self.start) as usize;
        self.at = end;
        Ok(&self.window[from..from + n])
    }

    async fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.take(1).await?[0])
    }

    async fn u32(&mut self) -> Result<u32, Error> {
        let bytes = self.take(4).await?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A length of 16 bits, the text, and a zero.
    async fn text(&mut self) -> Result<String, Error> {
        let at = self.at;
        let bytes = self.take(2).await?;
        let n = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let text = self.take(n).await?.to_vec();
        let text = text.strip_suffix(&[0]).map(<[u8]>::to_vec).and_then(|text| String::from_utf8(text).ok());
        text.ok_or_else(|| Error::damaged(self.file.name(), at, "a name is no text that ends in a zero"))
    }

    async fn variable(&mut self, version: u32) -> Result<Variable, Error> {
        let rank = self.u8().await?;
        if rank > MOST_DIMS {
            return Err(self.fail(format!("{rank} dimensions are too many")));
        }
        let mut shape = Vec::with_capacity(usize::from(rank));
        for _ in 0..rank {
            shape.push(self.u32().await? as usize);
        }
        let (number, count) = (self.u8().await?, u64::from(self.u32().await?));
        let ty = if version >= 4 { Ty::of_number(number) } else { Ty::of_size(number) };
        let ty = ty.ok_or_else(|| self.fail(format!("{number} is no known type of values")))?;
        let bytes = if version >= 4 { count } else { count * ty.size() };
        let elements = shape.iter().try_fold(1u64, |n, dim| n.checked_mul(*dim as u64));
        if elements.and_then(|n| n.checked_mul(ty.size())) != Some(bytes) {
            return Err(self.fail(format!("{bytes} bytes do not hold values of shape {shape:?}")));
        }
        let offset = self.at;
        if bytes > self.file.len().saturating_sub(offset) {
            return Err(
                self.fail(format!("{bytes} bytes of values are expected, the file ends at {}", self.file.len()))
            );
        }
        self.at += bytes;
        Ok(Variable { shape, ty, offset, bytes })
    }
}
