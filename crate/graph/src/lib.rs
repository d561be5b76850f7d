//! What to compute: operations, symbolic shapes and names, as plain data.
//!
//! A model is a function that writes a [`Graph`] through a [`Builder`]; an executor is a function that reads one.
//! Nothing here knows bytes, devices or time.
//!
//! ```
//! use dynasty_graph as graph;
//! use graph::{Builder, DType, Dim, Symbol, Taps};
//! let g = Builder::new(Taps::none());
//! let x = g.input("x", DType::F32, [Dim::from(Symbol('T')), Dim::from(8)]);
//! let y = x.linear(&g.weights().at("proj"), 4, graph::Bias::None).silu();
//! g.output("y", y);
//! let graph = g.finish().unwrap();
//! assert_eq!(graph.node(y.node()).outputs[0].shape.to_string(), "[T, 4]");
//! ```

mod builder;
mod compare;
mod cost;
mod dim;
mod dump;
mod error;
mod graph;
mod op;
mod pages;
mod rules;
mod shape;
mod taps;
mod tensor;
mod var;

pub use builder::{Builder, Cache, Scope};
pub use compare::{Difference, compare, nmse};
pub use cost::Cost;
pub use dim::{Dim, Symbol, Symbols};
pub use error::Error;
pub use graph::{Graph, Node, NodeId, Output, Port, StateId, StateSpec, Stored, ValueType, WeightId, WeightSpec};
pub use op::{Act, Attention, Bias, BinaryOp, DType, Gate, Op, Reduce, Rope, RopeLayout, UnaryOp};
pub use pages::{PAGE, PageCopy, PageError, PageTable};
pub use shape::Shape;
pub use taps::Taps;
pub use tensor::{Data, Tensor};
pub use var::Var;
