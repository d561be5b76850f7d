// attention: out[b, t, h] = sum_s probs[s] v[b, s, g], probs = softmax_s(cap(scale q[b, t, h].k[b, s, g]) + bias)
//
// One workgroup for one head of one query. Keys come in chunks of 64: each thread scores one, the workgroup agrees on
// the largest, then each thread sums its columns of v over the chunk, four keys a turn. Widths up to 256. The variants
// `probs` make a second pass and write them.
// grid (batch * tokens * heads, folded)

#import index
#import attention
#import sum

#ifdef probs
@group(0) @binding(7) var<storage, read_write> probs: array<f32>; // [B, H, T, S]
#endif

var<workgroup> chunk: array<f32, 64>;

// Column d of v, zero behind the width.
fn column(v_at: u32, d: u32) -> f32 {
    if d >= params.dim {
        return 0.0;
    }
    return value(v_at + d);
}

// Four columns of v of key start + j times its share; nothing for keys behind the chunk's first `count`.
fn weighted(b: u32, start: u32, j: u32, count: u32, g: u32, local: u32) -> vec4f {
    let v_at = key_place(b, start + min(j, count - 1u), g);
    let p = select(0.0, chunk[j], j < count);
    let first = vec2f(column(v_at, local), column(v_at, local + 64u));
    return p * vec4f(first, column(v_at, local + 128u), column(v_at, local + 192u));
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
    var sums = vec4f();
    var top = HIDDEN;
    var total = 0.0;
    for (var start = range.x; start < range.y; start += 64u) {
        var x = HIDDEN;
        if start + local < range.y {
            x = score(b, h, t, start + local, q_at, g);
        }
        let larger = max(top, workgroup_max(x, local));
        let p = select(exp(x - larger), 0.0, x <= HIDDEN);
        chunk[local] = p;
        let factor = exp(max(top - larger, -87.0)) * f32(total > 0.0);
        total = total * factor + workgroup_sum(p, local);
        sums *= factor;
        top = larger;
        let count = min(64u, last - min(start, last));
        for (var j = 0u; j < count; j += 4u) {
            sums += weighted(b, start, j, count, g, local) + weighted(b, start, j + 1u, count, g, local)
                + weighted(b, start, j + 2u, count, g, local) + weighted(b, start, j + 3u, count, g, local);
        }
        workgroupBarrier();
    }
    let factor = select(0.0, 1.0 / total, total > 0.0);
    for (var i = 0u; i < 4u; i++) {
        let d = local + 64u * i;
        if d < params.dim {
            out[q_at + d] = sums[i] * factor;
        }
    }
#ifdef probs
    let row = ((b * params.heads + h) * params.tokens + t) * key_count();
    for (var s = local; s < key_count(); s += 64u) {
        var p = 0.0;
        if s >= range.x && s < range.y {
            let x = score(b, h, t, s, q_at, g);
            p = select(exp(x - top) * factor, 0.0, x <= HIDDEN);
        }
        probs[row + s] = p;
    }
#endif
    if local == 0u {
        finish(b, t, h, top, total);
    }
}
