// unfold: y[b, i, j, (p kw + q) C + c] = x[b, i stride + p dilation - padding, the same of j and q, c], zeros beyond
//
// One thread an element of y.
// grid (ceil(n / 64), folded)

#import index
#import window

@group(0) @binding(1) var<storage, read> x: array<f32>;       // [B, H, W, C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [B, H', W', kh kw C]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let at = flat(group, groups) * 64u + local;
    if at >= params.n {
        return;
    }
    let c = at % params.channels;
    let q = at / params.channels % params.kernel_columns;
    let tap = at / params.channels / params.kernel_columns;
    let p = tap % params.kernel_rows;
    let place = tap / params.kernel_rows;
    let j = place % params.across;
    let i = place / params.across % params.down;
    let b = place / params.across / params.down;
    let source = seen(vec2u(i, j), vec2u(p, q));
    var value = 0.0;
    if source.x < params.rows && source.y < params.columns {
        value = x[((b * params.rows + source.x) * params.columns + source.y) * params.channels + c];
    }
    y[at] = value;
}
