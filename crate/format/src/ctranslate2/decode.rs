//! Values that are stored as integers with a scale for each row.

use super::Model;
use super::header::{Ty, Variable};
use super::names::Part;
use crate::{Dtype, Error, MemoryBytes, QuantType, TensorInfo, decode};

/// Variables as f32, each once.
#[derive(Default)]
pub(super) struct Decoded {
    bytes: Vec<u8>,
    places: Vec<(u64, TensorInfo)>,
}

impl Decoded {
    /// The values of a variable times its scale.
    pub async fn add(&mut self, model: &Model<'_>, part: &Part, variable: &Variable) -> Result<TensorInfo, Error> {
        if let Some((_, info)) = self.places.iter().find(|(offset, _)| *offset == variable.offset) {
            return Ok(info.clone());
        }
        let fail = |reason: String| Error::tensor(model.file.name(), &part.variable, reason);
        let scale = model.variable(&format!("{}_scale", part.variable));
        let scale = scale.ok_or_else(|| fail("has no scale".into()))?;
        let read = |variable: &Variable| model.file.read(variable.offset..variable.offset + variable.bytes);
        let scales = numbers(scale.ty, &read(scale).await?)?;
        let rows = variable.shape.first().copied().unwrap_or(0);
        if scales.len() != 1 && scales.len() != rows || rows == 0 {
            return Err(fail(format!("has {rows} rows and {} scales", scales.len())));
        }
        let values = numbers(variable.ty, &read(variable).await?)?;
        let offset = self.bytes.len() as u64;
        for (i, row) in values.chunks_exact((values.len() / rows).max(1)).enumerate() {
            let scale = scales[if scales.len() == 1 { 0 } else { i }];
            self.bytes.extend(row.iter().flat_map(|value| (value / scale).to_le_bytes()));
        }
        let (shape, dtype) = (variable.shape.clone(), Dtype::Quant(QuantType::F32));
        let bytes = self.bytes.len() as u64 - offset;
        let info = TensorInfo { name: part.name.clone(), shape, dtype, file: 1, offset, bytes };
        self.places.push((variable.offset, info.clone()));
        Ok(info)
    }

    /// What was decoded, under the file's name.
    pub fn into_bytes(self, name: &str) -> MemoryBytes {
        MemoryBytes::new(name, self.bytes)
    }
}

/// Values of any type as f32.
pub(super) fn numbers(ty: Ty, bytes: &[u8]) -> Result<Vec<f32>, Error> {
    Ok(match ty {
        Ty::Float(ty) => {
            let size = if ty == QuantType::F32 { 4 } else { 2 };
            let mut values = vec![0.0; bytes.len() / size];
            decode(ty, bytes, &mut values)?;
            values
        }
        Ty::I8 => bytes.iter().map(|byte| f32::from(*byte as i8)).collect(),
        Ty::I16 => bytes.as_chunks().0.iter().map(|bytes| f32::from(i16::from_le_bytes(*bytes))).collect(),
        Ty::I32 => bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes) as f32).collect(),
    })
}
