// attention_grad: dk[b, s, g] = sum dproduct q[b, t, h], dv[b, s, g] = sum prob dout[b, t, h] over what sees the key
//
// One workgroup for one head of 32 keys. Queries come in chunks of 32; their products with keys, and of dout with values,
// are products of two tiles each. Widths up to 64, in the variants `broad` up to 128. Keys that all rows share sum over
// all rows.
// grid (k_batch * kv_heads * ceil(keys / 32), folded)

#import index
#import attention_grad
#import attention_grad_quads
#import attention_tile

@group(0) @binding(7) var<storage, read_write> dk: array<f32>; // [B or 1, S, G, D]
@group(0) @binding(8) var<storage, read_write> dv: array<f32>; // [B or 1, S, G, D]

// Writes columns d to d + 3 of the key at j.
fn write(j: u32, d: u32, x: vec4f, z: vec4f) {
    if d < params.dim { dk[j + d] = x.x; dv[j + d] = z.x; }
    if d + 1u < params.dim { dk[j + d + 1u] = x.y; dv[j + d + 1u] = z.y; }
    if d + 2u < params.dim { dk[j + d + 2u] = x.z; dv[j + d + 2u] = z.z; }
    if d + 3u < params.dim { dk[j + d + 3u] = x.w; dv[j + d + 3u] = z.w; }
}

// Query n of those of row b that read head g.
fn query_at(b: u32, g: u32, n: u32) -> u32 {
    let shared_by = params.heads / params.kv_heads;
    return (b * params.tokens + n / shared_by) * params.heads + g * shared_by + n % shared_by;
}

// Probability and gradient of the product of query n of `count` and key s.
fn pair_at(b: u32, g: u32, n: u32, count: u32, s: u32, x: f32, z: f32) -> vec2f {
    if n >= count {
        return vec2f();
    }
    let i = query_at(b, g, n);
    let range = queries[i].zw;
    if s < range.x || s >= range.y {
        return vec2f();
    }
    let given = pair_of(i, s, vec2f(x, z));
    return vec2f(given.prob, given.product);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let tiles = (params.keys + 31u) / 32u;
    let tile = flat(group, groups);
    if tile >= params.k_batch * params.kv_heads * tiles {
        return;
    }
    let g = tile % params.kv_heads;
    let first = 32u * (tile / params.kv_heads % tiles);
    let k_row = tile / (params.kv_heads * tiles);
    let count = params.tokens * (params.heads / params.kv_heads);
    let r = 4u * (local / 8u);
    let c = local % 8u;
    let final_key = params.keys - 1u;
    // The rows of queries that read these keys.
    let rows = select(1u, params.batch, params.k_batch == 1u);
    var dks = array<mat4x4f, SLICES>();
    var dvs = array<mat4x4f, SLICES>();
    for (var row = k_row; row < k_row + rows; row++) {
        for (var n = 0u; n < count; n += 32u) {
            // What the first and the last query of the chunk see encloses what those between see.
            let low = queries[query_at(row, g, n)].z;
            let high = queries[query_at(row, g, min(n + 31u, count - 1u))].w;
            if low >= first + 32u || high <= first {
                continue;
            }
            var x = mat4x4f();
            var z = mat4x4f();
            for (var d = 0u; d < params.dim; d += 32u) {
                workgroupBarrier();
                for (var l = local; l < 256u; l += 64u) {
                    let column = d + 4u * (l % 8u);
                    let at = 33u * (l % 8u) + l / 8u;
                    x_tile[at] = k_quad(key_place(row, min(first + l / 8u, final_key), g), column);
                    y_tile[at] = q_quad(query_at(row, g, min(n + l / 8u, count - 1u)) * params.dim, column);
                }
                workgroupBarrier();
                x += products(local);
                workgroupBarrier();
                for (var l = local; l < 256u; l += 64u) {
                    let column = d + 4u * (l % 8u);
                    let at = 33u * (l % 8u) + l / 8u;
                    x_tile[at] = v_quad(key_place(row, min(first + l / 8u, final_key), g), column);
                    y_tile[at] = dout_quad(query_at(row, g, min(n + l / 8u, count - 1u)) * params.dim, column);
                }
                workgroupBarrier();
                z += products(local);
            }
            var probs = mat4x4f();
            var gradients = mat4x4f();
            for (var j = 0u; j < 4u; j++) {
                for (var m = 0u; m < 4u; m++) {
                    let pair = pair_at(row, g, n + c + 8u * m, count, first + r + j, x[j][m], z[j][m]);
                    probs[j][m] = pair.x;
                    gradients[j][m] = pair.y;
                }
            }
            keep_factors(probs, local);
            for (var l = 0u; l < SLICES; l++) {
                if 32u * l < params.dim {
                    workgroupBarrier();
                    for (var m = local; m < 256u; m += 64u) {
                        let i = query_at(row, g, min(n + m / 8u, count - 1u)) * params.dim;
                        y_tile[9u * (m / 8u) + m % 8u] = dout_quad(i, 32u * l + 4u * (m % 8u));
                    }
                    workgroupBarrier();
                    dvs[l] += weighted(local);
                }
            }
            workgroupBarrier();
            keep_factors(gradients, local);
            for (var l = 0u; l < SLICES; l++) {
                if 32u * l < params.dim {
                    workgroupBarrier();
                    for (var m = local; m < 256u; m += 64u) {
                        let i = query_at(row, g, min(n + m / 8u, count - 1u)) * params.dim;
                        y_tile[9u * (m / 8u) + m % 8u] = q_quad(i, 32u * l + 4u * (m % 8u));
                    }
                    workgroupBarrier();
                    dks[l] += weighted(local);
                }
            }
        }
    }
    for (var j = 0u; j < 4u; j++) {
        if first + r + j < params.keys {
            let at = key_place(k_row, first + r + j, g);
            for (var l = 0u; l < SLICES; l++) {
                write(at, 32u * l + 4u * c, dks[l][j], dvs[l][j]);
            }
        }
    }
}
