// fold: y[b, r, s, c] = the sum over places (i, j) and elements (p, q) of the window that see (r, s) of
// x[b, i, j, (p kw + q) C + c]
//
// One thread an element of y, which visits the elements of the window and asks from which place each sees it.
// grid (ceil(n / 64), folded)

#import index
#import window

@group(0) @binding(1) var<storage, read> x: array<f32>;       // [B, H', W', kh kw C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [B, H, W, C]

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
    let pixel = at / params.channels;
    let s = pixel % params.columns;
    let r = pixel / params.columns % params.rows;
    let b = pixel / params.columns / params.rows;
    var sum = 0.0;
    for (var p = 0u; p < params.kernel_rows; p++) {
        // What would be negative wraps around and is beyond the last place.
        let down = r + params.padding_rows - p * params.dilation_rows;
        let i = down / params.stride_rows;
        if down % params.stride_rows != 0u || i >= params.down {
            continue;
        }
        for (var q = 0u; q < params.kernel_columns; q++) {
            let across = s + params.padding_columns - q * params.dilation_columns;
            let j = across / params.stride_columns;
            if across % params.stride_columns != 0u || j >= params.across {
                continue;
            }
            let place = (b * params.down + i) * params.across + j;
            sum += x[((place * params.kernel_rows + p) * params.kernel_columns + q) * params.channels + c];
        }
    }
    y[at] = sum;
}
