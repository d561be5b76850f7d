// What the gradients of attention share: parameters, and what one query and one key give.
#import act

struct Params {
    bias_strides: vec4u,  // of b, h, t, s; 0 broadcasts
    batch: u32,
    tokens: u32,          // T
    heads: u32,           // H
    kv_heads: u32,        // G
    dim: u32,             // D
    keys: u32,            // S
    k_batch: u32,         // 1 if all rows read the keys of row 0, else B
    flags: u32,           // 1 causal, 2 past, 4 bias, 8 the gradient of scores is wanted
    window: u32,          // 0xffffffff for none
    scale: f32,
    soft_cap: f32,        // 0 for none
}

// A bias at or below hides its key.
const HIDDEN = -1e30;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;       // [B, T, H, D]
@group(0) @binding(2) var<storage, read> k: array<f32>;       // [B or 1, S, G, D]
@group(0) @binding(3) var<storage, read> v: array<f32>;       // [B or 1, S, G, D]
@group(0) @binding(4) var<storage, read> dout: array<f32>;    // [B, T, H, D]
// [B, T, H] the bits of lse and of out.dout, the first key that the query sees and one past the last
@group(0) @binding(5) var<storage, read> queries: array<vec4u>;
@group(0) @binding(6) var<storage, read> bias: array<f32>;    // broadcast over [B, H, T, S] or unused

// A query's place among the heads.
struct Query { b: u32, t: u32, h: u32 }

fn query_of(i: u32) -> Query {
    let row = i / params.heads;
    return Query(row / params.tokens, row % params.tokens, i % params.heads);
}

// The place of key s of head g in k and v.
fn key_place(b: u32, s: u32, g: u32) -> u32 {
    return ((min(b, params.k_batch - 1u) * params.keys + s) * params.kv_heads + g) * params.dim;
}

fn four_products(i: u32, j: u32) -> vec2f {
    let x = vec4f(q[i], q[i + 1u], q[i + 2u], q[i + 3u]);
    let y = vec4f(k[j], k[j + 1u], k[j + 2u], k[j + 3u]);
    let dz = vec4f(dout[i], dout[i + 1u], dout[i + 2u], dout[i + 3u]);
    let z = vec4f(v[j], v[j + 1u], v[j + 2u], v[j + 3u]);
    return vec2f(dot(x, y), dot(dz, z));
}

// q.k and dout.v
fn products(i: u32, j: u32) -> vec2f {
    var sums = vec2f();
    for (var d = 0u; d + 16u <= params.dim; d += 16u) {
        sums += (four_products(i + d, j + d) + four_products(i + d + 4u, j + d + 4u))
            + (four_products(i + d + 8u, j + d + 8u) + four_products(i + d + 12u, j + d + 12u));
    }
    for (var d = params.dim & 0xfffffff0u; d < params.dim; d++) {
        sums += vec2f(q[i + d] * k[j + d], dout[i + d] * v[j + d]);
    }
    return sums;
}

// What a query and a key give.
struct Pair {
    prob: f32,
    score: f32,    // the gradient of the score after cap and bias
    product: f32,  // the gradient of q.k
}

// Query i and key s, whose values stand at j.
fn pair(i: u32, s: u32, j: u32) -> Pair {
    let both = products(i * params.dim, j);
    var score = params.scale * both.x;
    var slope = params.scale;
    if params.soft_cap > 0.0 {
        let t = tanh_safe(score / params.soft_cap);
        score = params.soft_cap * t;
        slope *= 1.0 - t * t;
    }
    if (params.flags & 4u) != 0u {
        let at = query_of(i);
        let strides = params.bias_strides;
        let added = bias[at.b * strides.x + at.h * strides.y + at.t * strides.z + s * strides.w];
        if added <= HIDDEN {
            return Pair(0.0, 0.0, 0.0);
        }
        score += added;
    }
    let prob = exp_safe(score - bitcast<f32>(queries[i].x));
    let gradient = prob * (both.y - bitcast<f32>(queries[i].y));
    return Pair(prob, gradient, gradient * slope);
}
