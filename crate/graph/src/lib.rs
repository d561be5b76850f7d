//! What to compute: operations, symbolic shapes and names, as plain data.
//!
//! A model is a function that writes a [`Graph`] through a [`Builder`]; an executor is a function that reads one.
//! Nothing here knows bytes, devices or time.
//!
//! ```
//! use dynasty_graph::{Bias, Builder, DType, Dim, Taps};
//! let g = Builder::new(Taps::none());
//! let x = g.input("x", DType::F32, [Dim::from('T'), Dim::from(8)]); // [T, 8]
//! let y = x.linear(&g.weights().at("proj"), 4, Bias::None).silu(); // [T, 4]
//! assert_eq!(y.shape().to_string(), "[T, 4]");
//! g.output("y", y);
//! assert!(g.finish().unwrap().to_string().contains("weight proj.weight -> [4, 8]"));
//! ```

mod adapters;
mod builder;
mod compare;
mod cost;
mod dim;
mod dump;
mod error;
mod grad;
mod graph;
mod interpolate;
mod op;
mod pages;
mod random;
mod rules;
mod shape;
mod spec;
mod split;
mod stored;
mod taps;
mod tensor;
mod var;
mod vision;

pub use adapters::{Adapter, Adapters};
pub use builder::{Builder, Cache, Scope, Training};
pub use compare::{Difference, compare, nmse};
pub use cost::Cost;
pub use dim::{Dim, Symbol, Symbols};
pub use error::Error;
pub use grad::Checkpointing;
pub use graph::{Graph, Node, NodeId, Output, Port, StateId, StateSpec, ValueType, WeightId, WeightSpec};
pub use interpolate::{Corners, Interpolation};
pub use op::Op;
pub use pages::{PAGE, PageCopy, PageError, PageTable};
pub use random::random_u32;
pub use shape::Shape;
pub use spec::{
    Act, Attention, Bias, BinaryOp, DType, Dropout, Gate, MatMul, Reduce, Rope, RopeLayout, Side, UnaryOp, Update,
    Window,
};
pub use split::Split;
pub use stored::Stored;
pub use taps::Taps;
pub use tensor::{Data, Tensor};
pub use var::Var;
