//! A model with random weights of a real shape, for benchmarks: speed does not depend on the values.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use format::gguf::{Metadata, TensorSpec, Value, Writer};
use format::{Bytes, Dtype, LocalFuture, QuantType, checked_len};
use graph::Taps;
use models::{Call, Mask, Model};
use serde_json::Value as Json;

use crate::Error;
use crate::package::{Package, Source};
use crate::quantize::{fitting, wanted_types};

/// Rows that are encoded; the rest of a matrix repeats them.
const ROWS: usize = 16;

impl Package {
    /// A model of this configuration with random weights of one quant type. Nothing of its size is held in memory.
    ///
    /// # Errors
    /// The configuration is no model.
    pub async fn random(name: &str, config: &Json, ty: QuantType) -> Result<Self, Error> {
        let graph = Model::read(name, config)?.build(&Call::forward(Mask::None), Taps::none())?;
        let mut metadata = Metadata::default();
        metadata.insert("general.architecture", Value::String("dynasty".into()));
        metadata.insert("dynasty.config.json", Value::String(config.to_string()));
        let mut specs = Vec::new();
        for (spec, wanted) in graph.weights.iter().zip(wanted_types(&graph, ty)) {
            let shape = spec.stored.shape(&spec.shape);
            let ty = fitting(wanted, shape.last().copied().unwrap_or(1));
            specs.push(TensorSpec { name: spec.name.clone(), shape, dtype: Dtype::Quant(ty) });
        }
        let file = RandomFile::new(name, &metadata, &specs)?;
        Package::open(Source::File(Rc::new(file))).await
    }
}

/// A GGUF file whose tensors repeat a few random rows.
struct RandomFile {
    name: String,
    header: Vec<u8>,
    parts: Vec<Part>,
    len: u64,
}

struct Part {
    place: Range<u64>,
    tile: Arc<[u8]>,
}

impl RandomFile {
    fn new(name: &str, metadata: &Metadata, specs: &[TensorSpec]) -> Result<Self, Error> {
        let mut header = Vec::new();
        // The header alone: the writer is dropped before any tensor.
        drop(Writer::begin(&mut header, name, metadata, specs)?);
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        let mut start = header.len() as u64;
        let mut parts = Vec::new();
        for spec in specs {
            let part = Part { place: start..start + bytes_of(spec), tile: tile(spec, &mut numbers)? };
            start = part.place.end.next_multiple_of(32);
            parts.push(part);
        }
        Ok(Self { name: name.into(), header, parts, len: start })
    }

    fn copy(&self, range: &Range<u64>, out: &mut [u8]) {
        for (i, byte) in out.iter_mut().enumerate().take(self.header.len().saturating_sub(range.start as usize)) {
            *byte = self.header[range.start as usize + i];
        }
        for part in self.parts.iter().filter(|p| p.place.start < range.end && range.start < p.place.end) {
            let (from, to) = (part.place.start.max(range.start), part.place.end.min(range.end));
            let mut phase = ((from - part.place.start) % part.tile.len() as u64) as usize;
            let mut rest = &mut out[(from - range.start) as usize..(to - range.start) as usize];
            while !rest.is_empty() {
                let n = rest.len().min(part.tile.len() - phase);
                let (now, later) = rest.split_at_mut(n);
                now.copy_from_slice(&part.tile[phase..phase + n]);
                (rest, phase) = (later, 0);
            }
        }
    }
}

fn bytes_of(spec: &TensorSpec) -> u64 {
    spec.dtype.tensor_bytes(&spec.shape).unwrap_or(0)
}

fn tile(spec: &TensorSpec, numbers: &mut Numbers) -> Result<Arc<[u8]>, Error> {
    let cols = spec.shape.last().copied().unwrap_or(1);
    let rows = if spec.shape.len() == 2 { spec.shape[0].min(ROWS) } else { 1 };
    // Projections and filters keep the size of what passes through them; norms stay near one.
    let (center, spread) = match &spec.shape[..] {
        [] | [_] => (1.0, 0.1),
        [_, inner @ ..] => (0.0, (3.0 / inner.iter().product::<usize>().max(1) as f32).sqrt()),
    };
    let values: Vec<f32> = (0..rows * cols).map(|_| center + spread * numbers.next()).collect();
    let mut encoded = Vec::new();
    let Dtype::Quant(ty) = spec.dtype else { return Ok(Arc::from([])) };
    format::encode(ty, &values, &mut encoded)?;
    Ok(encoded.into())
}

impl Bytes for RandomFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, format::Error>> {
        Box::pin(async move {
            let mut out = vec![0; checked_len(&self.name, self.len, &range)?];
            self.copy(&range, &mut out);
            Ok(out)
        })
    }
}

/// Uniform numbers in −1..1 by xorshift64*.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        bits as f32 / (1 << 23) as f32 - 1.0
    }
}
