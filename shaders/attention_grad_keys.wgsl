// attention_grad: dk[b, s, g] = sum dproduct q[b, t, h], dv[b, s, g] = sum prob dout[b, t, h] over what sees the key
//
// One thread for 64 values of one head of one key, no barrier: for software adapters, and for any width. Keys that all
// rows share sum over all rows.
// grid (ceil(k_batch * keys * kv_heads * ceil(dim / 64) / 64), folded)

#import index
#import attention_grad
#import attention_pair

@group(0) @binding(7) var<storage, read_write> dk: array<f32>; // [B or 1, S, G, D]
@group(0) @binding(8) var<storage, read_write> dv: array<f32>; // [B or 1, S, G, D]

fn queries_at(at: u32) -> vec4f {
    return vec4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
}

fn douts_at(at: u32) -> vec4f {
    return vec4f(dout[at], dout[at + 1u], dout[at + 2u], dout[at + 3u]);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let parts = (params.dim + 63u) / 64u;
    let thread = flat(group, groups) * 64u + local;
    let key = thread / parts;
    if key >= params.k_batch * params.keys * params.kv_heads {
        return;
    }
    let first = 64u * (thread % parts);
    let width = min(64u, params.dim - first);
    let s = key / params.kv_heads % params.keys;
    let shared_by = params.heads / params.kv_heads;
    // The queries of this head group in one row of the batch, or in all.
    let rows = params.tokens * select(1u, params.batch, params.k_batch == 1u);
    let first_row = params.tokens * (key / params.kv_heads / params.keys);
    // Four values each; those beyond the width are not written.
    var dks: array<vec4f, 16>;
    var dvs: array<vec4f, 16>;
    for (var n = 0u; n < rows * shared_by; n++) {
        let i = (first_row + n / shared_by) * params.heads + key % params.kv_heads * shared_by + n % shared_by;
        let range = queries[i].zw;
        if s < range.x || s >= range.y {
            continue;
        }
        let x = pair(i, s, key * params.dim);
        for (var l = 0u; 4u * l < width; l += 4u) {
            let begin = i * params.dim + first + 4u * l;
            dks[l] += x.product * queries_at(begin);
            dks[l + 1u] += x.product * queries_at(begin + 4u);
            dks[l + 2u] += x.product * queries_at(begin + 8u);
            dks[l + 3u] += x.product * queries_at(begin + 12u);
            dvs[l] += x.prob * douts_at(begin);
            dvs[l + 1u] += x.prob * douts_at(begin + 4u);
            dvs[l + 2u] += x.prob * douts_at(begin + 8u);
            dvs[l + 3u] += x.prob * douts_at(begin + 12u);
        }
    }
    for (var d = 0u; d < width; d++) {
        dk[key * params.dim + first + d] = dks[d / 4u][d % 4u];
        dv[key * params.dim + first + d] = dvs[d / 4u][d % 4u];
    }
}
