//! The kernels of `/shaders`, preprocessed, validated and reflected at build time.

/// How a kernel uses a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    /// Parameters, at a dynamic offset.
    Uniform,
    /// Storage that is read.
    Read,
    /// Storage that is written.
    Write,
}

/// One binding of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Binding {
    /// 0 is the dispatch's own, 1 the session's.
    pub group: u32,
    /// The number in the group.
    pub binding: u32,
    /// How it is used.
    pub access: Access,
}

/// A kernel's text and bindings.
pub(crate) struct Source {
    /// The name in `permutations`.
    pub name: &'static str,
    /// WGSL.
    pub code: &'static str,
    /// In order of group and number.
    pub bindings: &'static [Binding],
}

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));

impl Shader {
    /// The text and bindings.
    pub fn source(self) -> &'static Source {
        &SOURCES[self as usize]
    }
}
