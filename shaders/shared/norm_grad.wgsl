// What the gradients of norms share.
struct Params { rows: u32, cols: u32, eps: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // [rows, cols]
@group(0) @binding(2) var<storage, read> weight: array<f32>;      // [cols]
@group(0) @binding(3) var<storage, read> dy: array<f32>;          // [rows, cols]
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;    // [rows, cols]
@group(0) @binding(5) var<storage, read_write> rows: array<vec2f>; // [rows], what is subtracted and the factor of a row
