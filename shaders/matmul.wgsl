// matmul: y[b, r, c] = sum_k a[b, r, k] b[b, k, c], each side read by its own strides, so that either may be transposed
//
// One thread for four rows and four columns of y, no barrier: what is loaded is used four times. Small workgroups, which
// are what a software adapter spreads over its cores.
// grid (ceil(batch * ceil(m / 4) * ceil(n / 4) / 16), folded)

#import index
#import matmul

// The products of four values of a and four of b: one column for each row of y.
fn outer(left: vec4u, right: vec4u) -> mat4x4f {
    let x = vec4f(a[left.x], a[left.y], a[left.z], a[left.w]);
    let z = vec4f(b[right.x], b[right.y], b[right.z], b[right.w]);
    return mat4x4f(x.x * z, x.y * z, x.z * z, x.w * z);
}

@compute @workgroup_size(16)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 16u + local;
    let across = (params.n + 3u) / 4u;
    let down = (params.m + 3u) / 4u;
    let batch = i / (across * down);
    if batch >= params.batch {
        return;
    }
    let r = 4u * (i / across % down);
    let c = 4u * (i % across);
    let four = vec4u(0u, 1u, 2u, 3u);
    var left = batch * params.m * params.k + min(r + four, vec4u(params.m - 1u)) * params.a_row;
    var right = batch * params.k * params.n + min(c + four, vec4u(params.n - 1u)) * params.b_column;
    var sums = mat4x4f();
    for (var k = 0u; k < params.k / 4u; k++) {
        sums += outer(left, right);
        sums += outer(left + params.a_k, right + params.b_k);
        sums += outer(left + 2u * params.a_k, right + 2u * params.b_k);
        sums += outer(left + 3u * params.a_k, right + 3u * params.b_k);
        left += vec4u(4u * params.a_k);
        right += vec4u(4u * params.b_k);
    }
    for (var k = 0u; k < params.k % 4u; k++) {
        sums += outer(left, right);
        left += vec4u(params.a_k);
        right += vec4u(params.b_k);
    }
    for (var j = 0u; j < min(4u, params.m - r); j++) {
        let at = (batch * params.m + r + j) * params.n + c;
        for (var l = 0u; l < min(4u, params.n - c); l++) {
            y[at + l] = sums[j][l];
        }
    }
}
