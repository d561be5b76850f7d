// linear: y[r, c] = act(sum_k x[r, k] w[c, k] + bias[c]) for many rows of x
//
// One workgroup of 64 threads for a tile of 32 rows of x and 32 rows of w; each thread sums a block of 4 by 4. Slices
// of 32 features of both are dequantized into 9 KiB of workgroup memory. The kernel for prefill on a real GPU.
// In the variants `gated` 16 of the 32 rows are the gate and 16 what it gates. In the variants `half` the tiles are of
// 16-bit floats, in half the memory; sums of four products are added up in 32 bits.
// grid (ceil(n / (8 * COLUMNS)) * ceil(m / 32), folded)

#ifdef half
enable f16;
#endif
#import index
#import linear
#import four

// [feature / 4][row], with one column of padding against bank conflicts.
var<workgroup> x_tile: array<array<Four, 33>, 8>;
var<workgroup> w_tile: array<array<Four, 33>, 8>;

fn load(first_row: u32, first_column: u32, first_k: u32, local: u32) {
    for (var i = local; i < 256u; i += 64u) {
        let j = i % 8u;
        let row = i / 8u;
        let k = first_k + 4u * j;
        var a = vec4f();
        var b = vec4f();
        if k < params.k {
            if first_row + row < params.m {
                a = x_quad(first_row + row, k);
            }
            let column = first_column + row % (8u * COLUMNS);
            if column < params.n {
                // The second half of a gated tile lies n rows behind.
                let start = (params.first + column + params.n * (row / (8u * COLUMNS))) * params.stride;
                let g = k / GROUP;
                let s = scale(start, g);
                b = s.x * quad(start, g, (k % GROUP) / 4u) - s.y;
            }
        }
        x_tile[j][row] = Four(a);
        w_tile[j][row] = Four(b);
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let across = (params.n + 8u * COLUMNS - 1u) / (8u * COLUMNS);
    let i = flat(group, groups);
    let first_row = 32u * (i / across);
    let first_column = 8u * COLUMNS * (i % across);
    let r = 4u * (local / 8u);
    let c = local % 8u;
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    for (var k = 0u; k < params.k; k += 32u) {
        workgroupBarrier();
        load(first_row, first_column, k, local);
        workgroupBarrier();
        for (var j = 0u; j < 8u; j++) {
            let b0 = w_tile[j][c];
            let b1 = w_tile[j][c + 8u];
            let b2 = w_tile[j][c + 16u];
            let b3 = w_tile[j][c + 24u];
            let a0 = x_tile[j][r];
            let a1 = x_tile[j][r + 1u];
            let a2 = x_tile[j][r + 2u];
            let a3 = x_tile[j][r + 3u];
            sum0 += vec4f(Four(dot(a0, b0), dot(a0, b1), dot(a0, b2), dot(a0, b3)));
            sum1 += vec4f(Four(dot(a1, b0), dot(a1, b1), dot(a1, b2), dot(a1, b3)));
            sum2 += vec4f(Four(dot(a2, b0), dot(a2, b1), dot(a2, b2), dot(a2, b3)));
            sum3 += vec4f(Four(dot(a3, b0), dot(a3, b1), dot(a3, b2), dot(a3, b3)));
        }
    }
    store(sum0, first_row + r, first_column + c);
    store(sum1, first_row + r + 1u, first_column + c);
    store(sum2, first_row + r + 2u, first_column + c);
    store(sum3, first_row + r + 3u, first_column + c);
}

fn store(sums: vec4f, r: u32, c: u32) {
    if r >= params.m {
        return;
    }
#ifdef gated
    if c < params.n { finish_gated(sums.x, sums.z, r, c); }
    if c + 8u < params.n { finish_gated(sums.y, sums.w, r, c + 8u); }
#else
    if c < params.n { finish(sums.x, r, c); }
    if c + 8u < params.n { finish(sums.y, r, c + 8u); }
    if c + 16u < params.n { finish(sums.z, r, c + 16u); }
    if c + 24u < params.n { finish(sums.w, r, c + 24u); }
#endif
}
