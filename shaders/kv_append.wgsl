// kv_append: keys[b, past[b] + t] = k[b, t], values[b, past[b] + t] = v[b, t]
//
// One thread a value; writes through the page table.
// grid (ceil(batch * tokens * width / 64), folded)

#import index
#import pages

struct Params { batch: u32, tokens: u32, width: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> k: array<f32>;      // [B, T, width], width = G D
@group(0) @binding(2) var<storage, read> v: array<f32>;      // [B, T, width]
@group(0) @binding(3) var<storage, read> past: array<i32>;   // [B]
@group(1) @binding(0) var<storage, read_write> pages: array<f32>; // [pages, 2, PAGE, width]

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
    let s = u32(past[b]) + token % params.tokens;
    let at = token_place(b, s) * params.width + i % params.width;
    pages[at] = k[i];
    pages[at + PAGE * params.width] = v[i];
}
