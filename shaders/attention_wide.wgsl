// attention: out[b, t, h] = sum_s probs[s] v[b, s, g], probs = softmax_s(cap(scale q[b, t, h].k[b, s, g]) + bias)
//
// One workgroup for one head of one query. Keys come in chunks of 64: each thread scores one, the workgroup agrees on
// the largest, then groups of threads, a thread for four columns, sum the values of every key of theirs. Widths up to
// 256. The variants `probs` make a second pass and write them.
// grid (batch * tokens * heads, folded)

#import index
#import attention
#import sum

#ifdef probs
@group(0) @binding(7) var<storage, read_write> probs: array<f32>; // [B, H, T, S]
#endif

// Weights and places of a chunk's keys.
var<workgroup> chunk: array<f32, 64>;
var<workgroup> places: array<u32, 64>;

// Columns d to d + 3 of v of key j of the chunk times its share; nothing for keys behind the chunk's first `count`.
fn weighted(j: u32, count: u32, d: u32) -> vec4f {
    if j >= count || d >= params.dim {
        return vec4f();
    }
    let at = places[j] + d;
    if d + 4u <= params.dim {
        return chunk[j] * vec4f(value(at), value(at + 1u), value(at + 2u), value(at + 3u));
    }
    var x = vec4f();
    for (var e = 0u; d + e < params.dim; e++) {
        x[e] = value(at + e);
    }
    return chunk[j] * x;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let query = flat(group, groups);
    if query >= params.batch * params.tokens * params.heads {
        return;
    }
    let h = query % params.heads;
    let t = (query / params.heads) % params.tokens;
    let b = query / (params.heads * params.tokens);
    let g = h / (params.heads / params.kv_heads);
    let q_at = query * params.dim;
    let range = visible(b, t);
    let last = min(range.y, held_keys(b));
    // Threads of a group: the fewest of 1, 2, 4, ... that have four columns each.
    let lanes = 1u << (32u - countLeadingZeros((params.dim + 3u) / 4u - 1u));
    let d = 4u * (local % lanes);
    let step = 64u / lanes;
    var sums = vec4f();
    var top = HIDDEN;
    var total = 0.0;
    for (var start = range.x; start < range.y; start += 64u) {
        var x = HIDDEN;
        let place = key_place(b, min(start + local, max(last, 1u) - 1u), g);
        if start + local < range.y {
            x = score(b, h, t, start + local, q_at, place);
        }
        places[local] = place;
        let larger = max(top, workgroup_max(x, local));
        let p = select(exp(x - larger), 0.0, x <= HIDDEN);
        chunk[local] = p;
        let factor = exp(max(top - larger, -87.0)) * f32(total > 0.0);
        total = total * factor + workgroup_sum(p, local);
        sums *= factor;
        top = larger;
        let count = min(64u, last - min(start, last));
        for (var j = local / lanes; j < count; j += 4u * step) {
            sums += (weighted(j, count, d) + weighted(j + step, count, d))
                + (weighted(j + 2u * step, count, d) + weighted(j + 3u * step, count, d));
        }
        workgroupBarrier();
    }
    // The sums of all groups.
    partials[local] = sums;
    for (var half = 32u; half >= lanes; half >>= 1u) {
        workgroupBarrier();
        if local < half {
            partials[local] += partials[local + half];
        }
    }
    let factor = select(0.0, 1.0 / total, total > 0.0);
    if local < lanes {
        for (var e = 0u; e < min(4u, params.dim - min(params.dim, d)); e++) {
            out[q_at + d + e] = partials[local][e] * factor;
        }
    }
#ifdef probs
    let row = ((b * params.heads + h) * params.tokens + t) * key_count();
    for (var s = local; s < key_count(); s += 64u) {
        var p = 0.0;
        if s >= range.x && s < range.y {
            let x = score(b, h, t, s, q_at, key_place(b, s, g));
            p = select(exp(x - top) * factor, 0.0, x <= HIDDEN);
        }
        probs[row + s] = p;
    }
#endif
    if local == 0u {
        finish(b, t, h, top, total);
    }
}
