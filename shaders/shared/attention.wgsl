// What the attention kernels share: parameters, which keys a query sees, and the score of a key.
#import act

struct Params {
    bias_strides: vec4u,  // of b, h, t, s; 0 broadcasts; of axial tables the last is their columns C
    batch: u32,
    tokens: u32,          // T
    heads: u32,           // H
    kv_heads: u32,        // G
    dim: u32,             // D
    keys: u32,            // S, unless paged
    k_batch: u32,         // 1 if all rows read the keys of row 0, else B
    flags: u32,           // 1 causal, 2 past, 4 bias, 8 logarithms are wanted, 16 the bias is axial
    window: u32,          // 0xffffffff for none
    scale: f32,
    soft_cap: f32,        // 0 for none
}

// A score that marks a hidden key; a bias at or below hides.
const HIDDEN = -1e30;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;          // [B, T, H, D]
@group(0) @binding(2) var<storage, read> past: array<i32>;       // [B] or unused
@group(0) @binding(3) var<storage, read> bias: array<f32>;       // broadcast over [B, H, T, S], axial [B, T, H, S / C + C], or unused
@group(0) @binding(4) var<storage, read_write> out: array<f32>;  // [B, T, H, D]
@group(0) @binding(8) var<storage, read_write> lse: array<f32>;  // [B, H, T] or unused
#ifdef paged
#import pages

@group(1) @binding(0) var<storage, read> pages: array<f32>;      // [pages, 2, PAGE, G, D]

fn key(at: u32) -> f32 {
    return pages[at];
}

fn value(at: u32) -> f32 {
    return pages[at + PAGE * params.kv_heads * params.dim];
}

fn key_count() -> u32 {
    return table[0];
}

// Keys from here on are zeros.
fn held_keys(b: u32) -> u32 {
    return row_len(b);
}

fn key_place(b: u32, s: u32, g: u32) -> u32 {
    return (token_place(b, s) * params.kv_heads + g) * params.dim;
}
#else
@group(0) @binding(5) var<storage, read> k: array<f32>;          // [B or 1, S, G, D]
@group(0) @binding(6) var<storage, read> v: array<f32>;          // [B or 1, S, G, D]

fn key(at: u32) -> f32 {
    return k[at];
}

fn value(at: u32) -> f32 {
    return v[at];
}

fn key_count() -> u32 {
    return params.keys;
}

fn held_keys(b: u32) -> u32 {
    return params.keys;
}

fn key_place(b: u32, s: u32, g: u32) -> u32 {
    return ((min(b, params.k_batch - 1u) * params.keys + s) * params.kv_heads + g) * params.dim;
}
#endif

// Stores the logarithm of a query's sum of exponentials, HIDDEN where it sees no key.
fn finish(b: u32, t: u32, h: u32, top: f32, total: f32) {
    if (params.flags & 8u) != 0u {
        let sum = top + log(max(total, 1e-30));
        lse[(b * params.heads + h) * params.tokens + t] = select(HIDDEN, sum, total > 0.0);
    }
}

// The first key that query t of row b sees, and one past the last.
fn visible(b: u32, t: u32) -> vec2u {
    var place = t;
    if (params.flags & 2u) != 0u {
        place += u32(past[b]);
    }
    var range = vec2u(0u, key_count());
    if (params.flags & 1u) != 0u {
        range.y = min(range.y, place + 1u);
        if place + 1u > params.window {
            range.x = place + 1u - params.window;
        }
    }
    return range;
}

fn four_products(i: u32, j: u32) -> f32 {
    return q[i] * key(j) + q[i + 1u] * key(j + 1u) + q[i + 2u] * key(j + 2u) + q[i + 3u] * key(j + 3u);
}

// Sixteen terms of q.k. Few turns of a loop matter: software adapters end an invocation after some 65,000.
fn sixteen_products(i: u32, j: u32) -> f32 {
    return four_products(i, j) + four_products(i + 4u, j + 4u) + four_products(i + 8u, j + 8u)
        + four_products(i + 12u, j + 12u);
}

// scale q.k, capped, plus bias, of the key that stands at k_at; HIDDEN if the bias hides it.
fn score(b: u32, h: u32, t: u32, s: u32, q_at: u32, k_at: u32) -> f32 {
    var sum = 0.0;
    if s < held_keys(b) {
        let whole = params.dim & 0xffffffe0u;
        for (var d = 0u; d < whole; d += 32u) {
            sum += sixteen_products(q_at + d, k_at + d) + sixteen_products(q_at + d + 16u, k_at + d + 16u);
        }
        if (params.dim & 16u) != 0u {
            sum += sixteen_products(q_at + whole, k_at + whole);
        }
        for (var d = params.dim & 0xfffffff0u; d < params.dim; d++) {
            sum += q[q_at + d] * key(k_at + d);
        }
    }
    return biased(sum, b, h, t, s);
}

// The score that a product q.k gives.
fn biased(product: f32, b: u32, h: u32, t: u32, s: u32) -> f32 {
    var sum = product * params.scale;
    if params.soft_cap > 0.0 {
        sum = params.soft_cap * tanh_safe(sum / params.soft_cap);
    }
    if (params.flags & 4u) != 0u {
        let strides = params.bias_strides;
        let row = b * strides.x + h * strides.y + t * strides.z;
        if (params.flags & 16u) != 0u {
            return sum + bias[row + s / strides.w] + bias[row + key_count() / strides.w + s % strides.w];
        }
        let added = bias[row + s * strides.w];
        if added <= HIDDEN {
            return HIDDEN;
        }
        sum += added;
    }
    return sum;
}
