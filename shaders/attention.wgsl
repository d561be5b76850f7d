// attention: out[b, t, h] = sum_s probs[s] v[b, s, g], probs = softmax_s(cap(scale q[b, t, h].k[b, s, g]) + bias)
//
// One thread for 64 values of one head of one query, no barrier: for software adapters, and for any width. The softmax
// is taken in one pass over the keys (Milakov and Gimelshein 2018, arXiv:1805.02867); sums are rescaled when a larger
// score is met. A query that sees no key gives zeros. The variants `probs` make a second pass and write them.
// grid (ceil(batch * tokens * heads * ceil(dim / 64) / 64), folded)

#import index
#import attention

#ifdef probs
@group(0) @binding(7) var<storage, read_write> probs: array<f32>; // [B, H, T, S]
#endif

fn values(at: u32) -> vec4f {
    return vec4f(value(at), value(at + 1u), value(at + 2u), value(at + 3u));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let parts = (params.dim + 63u) / 64u;
    let thread = flat(group, groups) * 64u + local;
    let query = thread / parts;
    if query >= params.batch * params.tokens * params.heads {
        return;
    }
    let first = 64u * (thread % parts);
    let width = min(64u, params.dim - first);
    let h = query % params.heads;
    let t = (query / params.heads) % params.tokens;
    let b = query / (params.heads * params.tokens);
    let g = h / (params.heads / params.kv_heads);
    let q_at = query * params.dim;
    let range = visible(b, t);
    // Four values each; those beyond the width are not written.
    var sums: array<vec4f, 16>;
    var top = HIDDEN;
    var total = 0.0;
    for (var s = range.x; s < range.y; s++) {
        let x = score(b, h, t, s, q_at, key_place(b, s, g));
        if x <= HIDDEN {
            continue;
        }
        if x > top {
            let factor = exp(max(top - x, -87.0)) * f32(total > 0.0);
            for (var i = 0u; i < 16u; i += 4u) {
                sums[i] *= factor;
                sums[i + 1u] *= factor;
                sums[i + 2u] *= factor;
                sums[i + 3u] *= factor;
            }
            total *= factor;
            top = x;
        }
        let p = exp(x - top);
        total += p;
        if s < held_keys(b) {
            let v_at = key_place(b, s, g) + first;
            for (var i = 0u; 4u * i < width; i += 8u) {
                let at = v_at + 4u * i;
                sums[i] += p * values(at);
                sums[i + 1u] += p * values(at + 4u);
                sums[i + 2u] += p * values(at + 8u);
                sums[i + 3u] += p * values(at + 12u);
                sums[i + 4u] += p * values(at + 16u);
                sums[i + 5u] += p * values(at + 20u);
                sums[i + 6u] += p * values(at + 24u);
                sums[i + 7u] += p * values(at + 28u);
            }
        }
    }
    let factor = select(0.0, 1.0 / total, total > 0.0);
    for (var d = 0u; d < width; d++) {
        out[q_at + first + d] = sums[d / 4u][d % 4u] * factor;
    }
    if first == 0u {
        finish(b, t, h, top, total);
    }
#ifdef probs
    if first == 0u {
        let row = ((b * params.heads + h) * params.tokens + t) * key_count();
        for (var s = 0u; s < key_count(); s++) {
            var p = 0.0;
            if s >= range.x && s < range.y {
                let x = score(b, h, t, s, q_at, key_place(b, s, g));
                p = select(exp(x - top) * factor, 0.0, x <= HIDDEN);
            }
            probs[row + s] = p;
        }
    }
#endif
}
