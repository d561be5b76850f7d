// attention_grad: dk[b, s, g] = sum dproduct q[b, t, h], dv[b, s, g] = sum prob dout[b, t, h] over what sees the key
//
// One workgroup for one head of one key. Queries come in chunks of 64: each thread takes one, then its columns of q and
// dout over the chunk. Widths up to 256. Keys that all rows share sum over all rows.
// grid (k_batch * keys * kv_heads, folded)

#import index
#import attention_grad
#import attention_pair

@group(0) @binding(7) var<storage, read_write> dk: array<f32>; // [B or 1, S, G, D]
@group(0) @binding(8) var<storage, read_write> dv: array<f32>; // [B or 1, S, G, D]

// The factors of q and of dout.
var<workgroup> chunk: array<vec2f, 64>;

// Columns of q and dout, zero behind the width.
fn columns(i: u32, d: u32) -> vec2f {
    if d >= params.dim {
        return vec2f();
    }
    return vec2f(q[i + d], dout[i + d]);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let key = flat(group, groups);
    if key >= params.k_batch * params.keys * params.kv_heads {
        return;
    }
    let s = key / params.kv_heads % params.keys;
    let shared_by = params.heads / params.kv_heads;
    // The queries of this head group in one row of the batch, or in all.
    let count = shared_by * params.tokens * select(1u, params.batch, params.k_batch == 1u);
    let first_row = params.tokens * (key / params.kv_heads / params.keys);
    let first_head = key % params.kv_heads * shared_by;
    // One column for each 64 of the width: sums for dk and dv.
    var sums = mat4x2f();
    for (var start = 0u; start < count; start += 64u) {
        let n = start + local;
        var factors = vec2f();
        if n < count {
            let i = (first_row + n / shared_by) * params.heads + first_head + n % shared_by;
            let range = queries[i].zw;
            if s >= range.x && s < range.y {
                let x = pair(i, s, key * params.dim);
                factors = vec2f(x.product, x.prob);
            }
        }
        chunk[local] = factors;
        workgroupBarrier();
        for (var l = start; l < min(start + 64u, count); l++) {
            let both = chunk[l - start];
            // A query that does not see the key.
            if both.y == 0.0 {
                continue;
            }
            let i = ((first_row + l / shared_by) * params.heads + first_head + l % shared_by) * params.dim;
            sums += mat4x2f(
                both * columns(i, local),
                both * columns(i, local + 64u),
                both * columns(i, local + 128u),
                both * columns(i, local + 192u),
            );
        }
        workgroupBarrier();
    }
    for (var l = 0u; l < 4u; l++) {
        let d = local + 64u * l;
        if d < params.dim {
            dk[key * params.dim + d] = sums[l].x;
            dv[key * params.dim + d] = sums[l].y;
        }
    }
}
