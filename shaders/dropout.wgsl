// dropout: y[i] = x[i] / (1 - rate) if random(seed, step, salt, i) >= rate 2^32, else 0
//
// One thread an element. The numbers are those of `graph::random_u32`.
// grid (ceil(n / 64), folded)

#import index

struct Params { n: u32, salt: u32, limit: u32, factor: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // [n]
@group(0) @binding(2) var<storage, read> rng: array<u32>;     // [2], seed and step
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [n]

fn mix(state: u32) -> u32 {
    var x = state;
    x ^= x >> 16u;
    x *= 0x7feb352du;
    x ^= x >> 15u;
    x *= 0x846ca68bu;
    return x ^ (x >> 16u);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    if i >= params.n {
        return;
    }
    let random = mix(mix(mix(mix(0x9e3779b9u ^ rng[0]) ^ rng[1]) ^ params.salt) ^ i);
    y[i] = select(0.0, x[i] * params.factor, random >= params.limit);
}
