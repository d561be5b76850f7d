// update: changes weights in place by a rule of `graph::Update`
//
// One thread an element. Where the scale of a gradient is not finite, nothing changes; that is seen by its bits, because
// a device need not keep infinities. The variants `momentum` and `adamw` change what they remember too.
// grid (ceil(n / 64), folded)

#import index

struct Params {
    n: u32,
    kind: u32,   // of one weight: 0 assign, 1 add, 2 ema, 3 sgd
    beta1: f32,  // or the momentum
    beta2: f32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> value: array<f32>;   // [n], a gradient or a value
@group(0) @binding(2) var<storage, read> hyper: array<f32>;   // decay | rate, decay | rate, decay, correct1, correct2
@group(0) @binding(3) var<storage, read> scale: array<u32>;   // [1], its bits
@group(0) @binding(4) var<storage, read_write> w: array<f32>; // [n]
#ifdef momentum
@group(0) @binding(5) var<storage, read_write> m: array<f32>; // [n], the last step
#endif
#ifdef adamw
@group(0) @binding(5) var<storage, read_write> m: array<f32>; // [n], the mean
@group(0) @binding(6) var<storage, read_write> v: array<f32>; // [n], the mean square
#endif

fn is_finite(bits: u32) -> bool {
    return (bits & 0x7f800000u) != 0x7f800000u;
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
    let old = w[i];
#ifdef adamw
    if is_finite(scale[0]) {
        let g = bitcast<f32>(scale[0]) * value[i];
        let mean = params.beta1 * m[i] + (1.0 - params.beta1) * g;
        let square = params.beta2 * v[i] + (1.0 - params.beta2) * g * g;
        m[i] = mean;
        v[i] = square;
        let step = mean / hyper[2] / (sqrt(square / hyper[3]) + params.eps);
        w[i] = old - hyper[0] * (step + hyper[1] * old);
    }
#else
#ifdef momentum
    if is_finite(scale[0]) {
        let step = params.beta1 * m[i] + (bitcast<f32>(scale[0]) * value[i] + hyper[1] * old);
        m[i] = step;
        w[i] = old - hyper[0] * step;
    }
#else
    switch params.kind {
        case 0u: { w[i] = value[i]; }
        case 1u: { w[i] = old + value[i]; }
        case 2u: { w[i] = hyper[0] * old + (1.0 - hyper[0]) * value[i]; }
        default: {
            if is_finite(scale[0]) {
                w[i] = old - hyper[0] * (bitcast<f32>(scale[0]) * value[i] + hyper[1] * old);
            }
        }
    }
#endif
#endif
}
