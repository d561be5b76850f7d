// attention_grad: dq[b, t, h] = sum_s dproduct[s] k[b, s, g]; dscores[b, h, t, s] where they are wanted
//
// One workgroup for one head of 32 queries. Keys come in chunks of 32; their products with queries and with dout are
// products of two tiles each. Widths up to 64, in the variants `broad` up to 128.
// grid (batch * heads * ceil(tokens / 32), folded)

#import index
#import attention_grad
#import attention_grad_quads
#import attention_tile

@group(0) @binding(7) var<storage, read_write> dq: array<f32>;      // [B, T, H, D]
@group(0) @binding(8) var<storage, read_write> dscores: array<f32>; // [B, H, T, S] or unused

// Writes columns d to d + 3 of query i.
fn write(i: u32, d: u32, x: vec4f) {
    let at = i * params.dim + d;
    if d < params.dim { dq[at] = x.x; }
    if d + 1u < params.dim { dq[at + 1u] = x.y; }
    if d + 2u < params.dim { dq[at + 2u] = x.z; }
    if d + 3u < params.dim { dq[at + 3u] = x.w; }
}

// Query i, unless it is none, and key s: the gradient of their product; that of their score is written if it is wanted.
fn gradient(i: u32, real: bool, s: u32, x: f32, z: f32) -> f32 {
    let range = queries[i].zw;
    var given = Pair(0.0, 0.0, 0.0);
    if s >= range.x && s < range.y {
        given = pair_of(i, s, vec2f(x, z));
    }
    if (params.flags & 8u) != 0u && real && s < params.keys {
        let at = query_of(i);
        dscores[((at.b * params.heads + at.h) * params.tokens + at.t) * params.keys + s] = given.score;
    }
    return given.product;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let tiles = (params.tokens + 31u) / 32u;
    let tile = flat(group, groups);
    if tile >= params.batch * params.heads * tiles {
        return;
    }
    let h = tile % params.heads;
    let first = 32u * (tile / params.heads % tiles);
    let b = tile / (params.heads * tiles);
    let g = h / (params.heads / params.kv_heads);
    let final_token = params.tokens - 1u;
    let r = 4u * (local / 8u);
    let c = local % 8u;
    // The places of this thread's four queries.
    let base = b * params.tokens * params.heads + h;
    let tokens = vec4u(first + r) + vec4u(0u, 1u, 2u, 3u);
    let i = base + min(tokens, vec4u(final_token)) * params.heads;
    let real = tokens <= vec4u(final_token);
    // Keys that no query of the tile sees are left out, unless their zeros are wanted.
    var begin = queries[base + first * params.heads].z;
    var end = queries[base + min(first + 31u, final_token) * params.heads].w;
    if (params.flags & 8u) != 0u {
        begin = 0u;
        end = params.keys;
    }
    var sums = array<mat4x4f, SLICES>();
    for (var start = begin; start < end; start += 32u) {
        var x = mat4x4f();
        var z = mat4x4f();
        for (var d = 0u; d < params.dim; d += 32u) {
            workgroupBarrier();
            for (var l = local; l < 256u; l += 64u) {
                let column = d + 4u * (l % 8u);
                let at = 33u * (l % 8u) + l / 8u;
                x_tile[at] = q_quad((base + min(first + l / 8u, final_token) * params.heads) * params.dim, column);
                y_tile[at] = k_quad(key_place(b, min(start + l / 8u, params.keys - 1u), g), column);
            }
            workgroupBarrier();
            x += products(local);
            workgroupBarrier();
            for (var l = local; l < 256u; l += 64u) {
                let column = d + 4u * (l % 8u);
                let at = 33u * (l % 8u) + l / 8u;
                x_tile[at] = dout_quad((base + min(first + l / 8u, final_token) * params.heads) * params.dim, column);
                y_tile[at] = v_quad(key_place(b, min(start + l / 8u, params.keys - 1u), g), column);
            }
            workgroupBarrier();
            z += products(local);
        }
        var block = mat4x4f();
        for (var n = 0u; n < 4u; n++) {
            for (var m = 0u; m < 4u; m++) {
                block[n][m] = gradient(i[n], real[n], start + c + 8u * m, x[n][m], z[n][m]);
            }
        }
        keep_factors(block, local);
        for (var l = 0u; l < SLICES; l++) {
            if 32u * l < params.dim {
                workgroupBarrier();
                for (var n = local; n < 256u; n += 64u) {
                    let j = key_place(b, min(start + n / 8u, params.keys - 1u), g);
                    y_tile[9u * (n / 8u) + n % 8u] = k_quad(j, 32u * l + 4u * (n % 8u));
                }
                workgroupBarrier();
                sums[l] += weighted(local);
            }
        }
    }
    for (var l = 0u; l < SLICES; l++) {
        if real.x { write(i.x, 32u * l + 4u * c, sums[l][0]); }
        if real.y { write(i.y, 32u * l + 4u * c, sums[l][1]); }
        if real.z { write(i.z, 32u * l + 4u * c, sums[l][2]); }
        if real.w { write(i.w, 32u * l + 4u * c, sums[l][3]); }
    }
}
