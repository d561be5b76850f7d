// attention_grad: dq[b, t, h] = sum_s dproduct[s] k[b, s, g]; dscores[b, h, t, s] where they are wanted
//
// One workgroup for one head of one query. Keys come in chunks of 64: each thread takes one, then its columns of k over
// the chunk. Widths up to 256.
// grid (batch * tokens * heads, folded)

#import index
#import attention_grad
#import attention_pair

@group(0) @binding(7) var<storage, read_write> dq: array<f32>;      // [B, T, H, D]
@group(0) @binding(8) var<storage, read_write> dscores: array<f32>; // [B, H, T, S] or unused

var<workgroup> chunk: array<f32, 64>;

// Column d of k, zero behind the width.
fn column(j: u32, d: u32) -> f32 {
    if d >= params.dim {
        return 0.0;
    }
    return k[j + d];
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups);
    if i >= params.batch * params.tokens * params.heads {
        return;
    }
    let at = query_of(i);
    let g = at.h / (params.heads / params.kv_heads);
    let range = queries[i].zw;
    let row = ((at.b * params.heads + at.h) * params.tokens + at.t) * params.keys;
    var sums = vec4f();
    for (var start = 0u; start < params.keys; start += 64u) {
        let s = start + local;
        var x = Pair(0.0, 0.0, 0.0);
        if s >= range.x && s < range.y {
            x = pair(i, s, key_place(at.b, s, g));
        }
        if (params.flags & 8u) != 0u && s < params.keys {
            dscores[row + s] = x.score;
        }
        chunk[local] = x.product;
        workgroupBarrier();
        let begin = max(start, range.x);
        for (var l = begin; l < min(start + 64u, range.y); l++) {
            let j = key_place(at.b, l, g);
            let product = chunk[l - start];
            let near = vec2f(column(j, local), column(j, local + 64u));
            sums += product * vec4f(near, column(j, local + 128u), column(j, local + 192u));
        }
        workgroupBarrier();
    }
    for (var l = 0u; l < 4u; l++) {
        let d = local + 64u * l;
        if d < params.dim {
            dq[i * params.dim + d] = sums[l];
        }
    }
}
