// attention_grad: what its other kernels need of each query: lse, out.dout, and the keys that it sees
//
// One thread a head of a query.
// grid (ceil(batch * tokens * heads / 64), folded)

#import index

struct Params {
    batch: u32,
    tokens: u32,  // T
    heads: u32,   // H
    dim: u32,     // D
    keys: u32,    // S
    flags: u32,   // 1 causal, 2 past
    window: u32,  // 0xffffffff for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> out: array<f32>;            // [B, T, H, D]
@group(0) @binding(2) var<storage, read> lse: array<u32>;            // [B, H, T], bits
@group(0) @binding(3) var<storage, read> dout: array<f32>;           // [B, T, H, D]
@group(0) @binding(4) var<storage, read> past: array<i32>;           // [B] or unused
@group(0) @binding(5) var<storage, read_write> queries: array<vec4u>; // [B, T, H]

// The first key that query t of row b sees, and one past the last.
fn visible(b: u32, t: u32) -> vec2u {
    var place = t;
    if (params.flags & 2u) != 0u {
        place += u32(past[b]);
    }
    if (params.flags & 1u) == 0u {
        return vec2u(0u, params.keys);
    }
    let first = select(0u, place + 1u - params.window, place + 1u > params.window);
    return vec2u(first, min(params.keys, place + 1u));
}

fn four_products(i: u32) -> f32 {
    let y = vec4f(out[i], out[i + 1u], out[i + 2u], out[i + 3u]);
    return dot(vec4f(dout[i], dout[i + 1u], dout[i + 2u], dout[i + 3u]), y);
}

// out.dout
fn product(i: u32) -> f32 {
    var sum = 0.0;
    for (var d = 0u; d + 16u <= params.dim; d += 16u) {
        sum += (four_products(i + d) + four_products(i + d + 4u))
            + (four_products(i + d + 8u) + four_products(i + d + 12u));
    }
    for (var d = params.dim & 0xfffffff0u; d < params.dim; d++) {
        sum += dout[i + d] * out[i + d];
    }
    return sum;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    let row = i / params.heads;
    let b = row / params.tokens;
    if b >= params.batch {
        return;
    }
    let t = row % params.tokens;
    let mean = product(i * params.dim);
    let total = lse[(b * params.heads + i % params.heads) * params.tokens + t];
    queries[i] = vec4u(total, bitcast<u32>(mean), visible(b, t));
}
