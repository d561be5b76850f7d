// gated_grad: dgate[i] = dy[i] up[i] act'(gate[i]), dup[i] = dy[i] act(gate[i])
//
// One thread an element.
// grid (ceil(n / 64), folded)

#import index
#import act_grad

struct Params { n: u32, act: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate: array<f32>;        // [n]
@group(0) @binding(2) var<storage, read> up: array<f32>;          // [n]
@group(0) @binding(3) var<storage, read> dy: array<f32>;          // [n]
@group(0) @binding(4) var<storage, read_write> dgate: array<f32>; // [n]
@group(0) @binding(5) var<storage, read_write> dup: array<f32>;   // [n]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    if i < params.n {
        dgate[i] = dy[i] * up[i] * act_grad(params.act, gate[i]);
        dup[i] = dy[i] * act(params.act, gate[i]);
    }
}
