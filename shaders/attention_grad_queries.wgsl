// attention_grad: dq[b, t, h] = sum_s dproduct[s] k[b, s, g]; dscores[b, h, t, s] where they are wanted
//
// One thread for 64 values of one head of one query, no barrier: for software adapters, and for any width. Probabilities
// are made again from lse (Dao et al. 2022, arXiv:2205.14135).
// grid (ceil(batch * tokens * heads * ceil(dim / 64) / 64), folded)

#import index
#import attention_grad
#import attention_pair

@group(0) @binding(7) var<storage, read_write> dq: array<f32>;      // [B, T, H, D]
@group(0) @binding(8) var<storage, read_write> dscores: array<f32>; // [B, H, T, S] or unused

fn keys_at(at: u32) -> vec4f {
    return vec4f(k[at], k[at + 1u], k[at + 2u], k[at + 3u]);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let parts = (params.dim + 63u) / 64u;
    let thread = flat(group, groups) * 64u + local;
    let i = thread / parts;
    if i >= params.batch * params.tokens * params.heads {
        return;
    }
    let first = 64u * (thread % parts);
    let width = min(64u, params.dim - first);
    let at = query_of(i);
    let g = at.h / (params.heads / params.kv_heads);
    let range = queries[i].zw;
    let row = ((at.b * params.heads + at.h) * params.tokens + at.t) * params.keys;
    let shows = (params.flags & 8u) != 0u && first == 0u;
    if shows {
        for (var s = 0u; s < params.keys; s++) {
            dscores[row + s] = 0.0;
        }
    }
    // Four values each; those beyond the width are not written.
    var sums: array<vec4f, 16>;
    for (var s = range.x; s < range.y; s++) {
        let j = key_place(at.b, s, g);
        let x = pair(i, s, j);
        if shows {
            dscores[row + s] = x.score;
        }
        for (var l = 0u; 4u * l < width; l += 4u) {
            let begin = j + first + 4u * l;
            sums[l] += x.product * keys_at(begin);
            sums[l + 1u] += x.product * keys_at(begin + 4u);
            sums[l + 2u] += x.product * keys_at(begin + 8u);
            sums[l + 3u] += x.product * keys_at(begin + 12u);
        }
    }
    for (var d = 0u; d < width; d++) {
        dq[i * params.dim + first + d] = sums[d / 4u][d % 4u];
    }
}
