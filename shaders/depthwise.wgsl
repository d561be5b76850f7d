// depthwise: y[b, i, j, c] = act(sum over (p, q) of x[b, i stride + p dilation - padding, the same of j and q, c]
// w[p kw + q, c] + bias[c])
//
// One thread an element of y.
// grid (ceil(n / 64), folded)

#import index
#import act
#import window

@group(0) @binding(1) var<storage, read> x: array<f32>;       // [B, H, W, C]
@group(0) @binding(2) var<storage, read> w: array<f32>;       // [kh kw, C]
@group(0) @binding(3) var<storage, read> bias: array<f32>;    // [C] or unused
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [B, H', W', C]

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
    let place = at / params.channels;
    let j = place % params.across;
    let i = place / params.across % params.down;
    let b = place / params.across / params.down;
    var sum = 0.0;
    if params.bias == 1u {
        sum = bias[c];
    }
    for (var p = 0u; p < params.kernel_rows; p++) {
        for (var q = 0u; q < params.kernel_columns; q++) {
            let source = seen(vec2u(i, j), vec2u(p, q));
            if source.x < params.rows && source.y < params.columns {
                let pixel = (b * params.rows + source.x) * params.columns + source.y;
                sum += x[pixel * params.channels + c] * w[(p * params.kernel_columns + q) * params.channels + c];
            }
        }
    }
    y[at] = act(params.act, sum);
}
