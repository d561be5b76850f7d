// attention: out[b, t, h] = sum_s probs[s] v[b, s, g], probs = softmax_s(cap(scale q[b, t, h].k[b, s, g]) + bias)
//
// One workgroup for one head of 32 queries. Keys come in chunks of 32: their scores are a product of two tiles, the
// workgroup agrees on the largest of each row, and their values are added up by the same blocks. Widths up to 64, in the
// variants `broad` up to 128.
// grid (batch * heads * ceil(tokens / 32), folded)

#import index
#import attention
#import attention_tile

// What the threads of a row have to tell each other, of four rows each.
var<workgroup> partial: array<vec4f, 64>;

// Columns d to d + 3 of the query at i, zero behind the width.
fn q_quad(i: u32, d: u32) -> vec4f {
    if d + 4u <= params.dim {
        return vec4f(q[i + d], q[i + d + 1u], q[i + d + 2u], q[i + d + 3u]);
    }
    var x = vec4f();
    for (var e = d; e < params.dim; e++) {
        x[e - d] = q[i + e];
    }
    return x;
}

fn key_quad(j: u32, d: u32) -> vec4f {
    if d + 4u <= params.dim {
        return vec4f(key(j + d), key(j + d + 1u), key(j + d + 2u), key(j + d + 3u));
    }
    var x = vec4f();
    for (var e = d; e < params.dim; e++) {
        x[e - d] = key(j + e);
    }
    return x;
}

fn value_quad(j: u32, d: u32) -> vec4f {
    if d + 4u <= params.dim {
        return vec4f(value(j + d), value(j + d + 1u), value(j + d + 2u), value(j + d + 3u));
    }
    var x = vec4f();
    for (var e = d; e < params.dim; e++) {
        x[e - d] = value(j + e);
    }
    return x;
}

// Writes columns d to d + 3 of the query at i.
fn write(i: u32, d: u32, x: vec4f) {
    if d < params.dim { out[i + d] = x.x; }
    if d + 1u < params.dim { out[i + d + 1u] = x.y; }
    if d + 2u < params.dim { out[i + d + 2u] = x.z; }
    if d + 3u < params.dim { out[i + d + 3u] = x.w; }
}

// Four scores of query t: of the keys s, s + 8, s + 16 and s + 24.
fn scores(x: vec4f, b: u32, h: u32, t: u32, s: u32, range: vec2u) -> vec4f {
    let keys = s + vec4u(0u, 8u, 16u, 24u);
    let all = vec4f(
        biased(x.x, b, h, t, keys.x),
        biased(x.y, b, h, t, keys.y),
        biased(x.z, b, h, t, keys.z),
        biased(x.w, b, h, t, keys.w),
    );
    return select(vec4f(HIDDEN), all, (keys >= vec4u(range.x)) & (keys < vec4u(range.y)));
}

fn largest(x: vec4f) -> f32 {
    return max(max(x.x, x.y), max(x.z, x.w));
}

fn likely(x: vec4f, top: f32) -> vec4f {
    return select(exp(x - top), vec4f(), x <= vec4f(HIDDEN));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let tiles = (params.tokens + 31u) / 32u;
    let i = flat(group, groups);
    if i >= params.batch * params.heads * tiles {
        return;
    }
    let h = i % params.heads;
    let first = 32u * (i / params.heads % tiles);
    let b = i / (params.heads * tiles);
    let g = h / (params.heads / params.kv_heads);
    let q_at = (b * params.tokens * params.heads + h) * params.dim;
    let q_step = params.heads * params.dim;
    let final_token = params.tokens - 1u;
    let r = 4u * (local / 8u);
    let c = local % 8u;
    let t = min(vec4u(first + r) + vec4u(0u, 1u, 2u, 3u), vec4u(final_token));
    let ranges = array<vec2u, 4>(visible(b, t.x), visible(b, t.y), visible(b, t.z), visible(b, t.w));
    let held = held_keys(b);
    let end = visible(b, min(first + 31u, final_token)).y;
    var sums = array<mat4x4f, SLICES>();
    var top = vec4f(HIDDEN);
    var total = vec4f();
    for (var start = visible(b, first).x; start < end; start += 32u) {
        var x = mat4x4f();
        for (var d = 0u; d < params.dim; d += 32u) {
            workgroupBarrier();
            for (var l = local; l < 256u; l += 64u) {
                let column = d + 4u * (l % 8u);
                let row = l / 8u;
                let at = 33u * (l % 8u) + row;
                x_tile[at] = q_quad(q_at + min(first + row, final_token) * q_step, column);
                y_tile[at] = vec4f();
                if start + row < held {
                    y_tile[at] = key_quad(key_place(b, start + row, g), column);
                }
            }
            workgroupBarrier();
            x += products(local);
        }
        let x0 = scores(x[0], b, h, t.x, start + c, ranges[0]);
        let x1 = scores(x[1], b, h, t.y, start + c, ranges[1]);
        let x2 = scores(x[2], b, h, t.z, start + c, ranges[2]);
        let x3 = scores(x[3], b, h, t.w, start + c, ranges[3]);
        partial[local] = vec4f(largest(x0), largest(x1), largest(x2), largest(x3));
        workgroupBarrier();
        var larger = top;
        for (var l = 0u; l < 8u; l++) {
            larger = max(larger, partial[local - c + l]);
        }
        let factor = exp(max(top - larger, vec4f(-87.0)));
        top = larger;
        let p = mat4x4f(likely(x0, top.x), likely(x1, top.y), likely(x2, top.z), likely(x3, top.w));
        total = total * factor + vec4f(1.0, 1.0, 1.0, 1.0) * p;
        keep_factors(p, local);
        for (var l = 0u; l < SLICES; l++) {
            if 32u * l < params.dim {
                workgroupBarrier();
                for (var n = local; n < 256u; n += 64u) {
                    let at = 9u * (n / 8u) + n % 8u;
                    y_tile[at] = vec4f();
                    if start + n / 8u < held {
                        y_tile[at] = value_quad(key_place(b, start + n / 8u, g), 32u * l + 4u * (n % 8u));
                    }
                }
                workgroupBarrier();
                let old = sums[l];
                sums[l] = mat4x4f(old[0] * factor.x, old[1] * factor.y, old[2] * factor.z, old[3] * factor.w)
                    + weighted(local);
            }
        }
    }
    workgroupBarrier();
    partial[local] = total;
    workgroupBarrier();
    total = vec4f();
    for (var l = 0u; l < 8u; l++) {
        total += partial[local - c + l];
    }
    let share = select(vec4f(), 1.0 / total, total > vec4f());
    for (var j = 0u; j < 4u; j++) {
        let token = first + r + j;
        if token < params.tokens {
            for (var l = 0u; l < SLICES; l++) {
                write(q_at + token * q_step, 32u * l + 4u * c, sums[l][j] * share[j]);
            }
            if c == 0u {
                finish(b, token, h, top[j], total[j]);
            }
        }
    }
}
