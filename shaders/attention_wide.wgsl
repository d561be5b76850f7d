// attention: out[b, t, h] = sum_s probs[s] v[b, s, g], probs = softmax_s(cap(scale q[b, t, h].k[b, s, g]) + bias)
//
// One workgroup for one head of one query. Keys come in chunks of 64: each thread scores one, the workgroup agrees on
// the largest, then each thread sums its columns of v over the chunk. Widths up to 256.
// grid (batch * tokens * heads, folded)

#import index
#import attention
#import sum

var<workgroup> chunk: array<f32, 64>;

// Column d of v, zero behind the width.
fn column(v_at: u32, d: u32) -> f32 {
    if d >= params.dim {
        return 0.0;
    }
    return value(v_at + d);
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
    let held = held_keys(b);
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
        for (var j = 0u; j < min(64u, range.y - start); j++) {
            if start + j >= held {
                break;
            }
            let v_at = key_place(b, start + j, g);
            sums.x += chunk[j] * column(v_at, local);
            sums.y += chunk[j] * column(v_at, local + 64u);
            sums.z += chunk[j] * column(v_at, local + 128u);
            sums.w += chunk[j] * column(v_at, local + 192u);
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
}
