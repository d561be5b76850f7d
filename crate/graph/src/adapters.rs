//! Low-rank adapters beside the projections of a model, by the projections' names.
//!
//! LoRA (Hu et al. 2021, arXiv:2106.09685): where a model writes `x Wᵀ`, a graph with an adapter of that name computes
//! `x Wᵀ + s · (x Aᵀ) Bᵀ` with weights of its own, `A` [R, K] as `lora_A.weight` and `B` [N, R] as `lora_B.weight`
//! beside `W`. Models know nothing of it.

use std::collections::BTreeMap;

/// The adapters of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adapters {
    /// By the place of the projection, such as `model.layers.0.self_attn.q_proj`.
    pub places: BTreeMap<String, Adapter>,
    /// In a graph for training, the share of what adapters read that is dropped.
    pub dropout: f32,
}

/// One adapter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adapter {
    /// Rows of `A`.
    pub rank: usize,
    /// What its result is multiplied by: α / R, or α / √R with rank stabilisation.
    pub scale: f32,
}
