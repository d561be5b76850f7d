//! Host values that go into and come out of a run.

use crate::{DType, Error};

/// The elements of a host tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Floats.
    F32(Vec<f32>),
    /// Indices and lengths.
    I32(Vec<i32>),
}

/// A dense host tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub data: Data,
}

impl Tensor {
    /// A float tensor.
    ///
    /// # Errors
    /// The number of values is not the product of the sizes.
    pub fn f32(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Result<Self, Error> {
        Self::checked(shape.into(), Data::F32(values))
    }

    /// An integer tensor.
    ///
    /// # Errors
    /// The number of values is not the product of the sizes.
    pub fn i32(shape: impl Into<Vec<usize>>, values: Vec<i32>) -> Result<Self, Error> {
        Self::checked(shape.into(), Data::I32(values))
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match self.data {
            Data::F32(_) => DType::F32,
            Data::I32(_) => DType::I32,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::F32(v) => v.len(),
            Data::I32(v) => v.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The floats.
    ///
    /// # Errors
    /// The tensor holds integers.
    pub fn as_f32(&self) -> Result<&[f32], Error> {
        match &self.data {
            Data::F32(v) => Ok(v),
            Data::I32(_) => Err(Error::HostType { wanted: DType::F32, found: DType::I32 }),
        }
    }

    /// The integers.
    ///
    /// # Errors
    /// The tensor holds floats.
    pub fn as_i32(&self) -> Result<&[i32], Error> {
        match &self.data {
            Data::I32(v) => Ok(v),
            Data::F32(_) => Err(Error::HostType { wanted: DType::I32, found: DType::F32 }),
        }
    }

    fn checked(shape: Vec<usize>, data: Data) -> Result<Self, Error> {
        let tensor = Self { shape, data };
        let wanted = tensor.shape.iter().try_fold(1usize, |a, b| a.checked_mul(*b));
        if wanted == Some(tensor.len()) {
            Ok(tensor)
        } else {
            Err(Error::HostSize { shape: tensor.shape.clone(), len: tensor.len() })
        }
    }
}
