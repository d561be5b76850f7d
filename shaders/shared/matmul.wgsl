// What the matrix products share.
struct Params {
    batch: u32,
    m: u32,
    k: u32,
    n: u32,
    a_row: u32,    // from one row of a to the next
    a_k: u32,      // from one of its inner elements to the next
    b_k: u32,      // the same of b
    b_column: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;       // [batch, m, k] or [batch, k, m]
@group(0) @binding(2) var<storage, read> b: array<f32>;       // [batch, k, n] or [batch, n, k]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [batch, m, n]
