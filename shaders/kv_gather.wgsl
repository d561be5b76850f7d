// kv_gather: out[b, s] = keys or values of row b at s, zeros behind the row's length
//
// One thread a value; reads through the page table.
// grid (ceil(batch * keys * width / 64), folded)

#import index
#import pages

// which: 0 keys, 1 values.
struct Params { batch: u32, tokens: u32, width: u32, which: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>; // [B, S, width], S = tokens, width = G D
@group(1) @binding(0) var<storage, read> pages: array<f32>;     // [pages, 2, PAGE, width]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    let token = i / params.width;
    if token >= params.batch * params.tokens {
        return;
    }
    let b = token / params.tokens;
    let s = token % params.tokens;
    if s >= row_len(b) {
        out[i] = 0.0;
        return;
    }
    out[i] = pages[(token_place(b, s) + PAGE * params.which) * params.width + i % params.width];
}
