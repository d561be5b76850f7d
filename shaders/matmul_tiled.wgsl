// matmul: y[b, r, c] = sum_k a[b, r, k] b[b, k, c], each side read by its own strides, so that either may be transposed
//
// One workgroup of 64 threads for a tile of 32 by 32; each thread sums a block of 4 by 4. Slices of 32 inner elements of
// both sides stand in 9 KiB of workgroup memory, four neighbours of the tile's edge in a vector. Threads load what lies
// next to each other: along the inner axis where its stride is 1, along the edge otherwise. In the variant `half` the
// tiles are of 16-bit floats, in half the memory; their products are added up in 32 bits.
// grid (batch * ceil(m / 32) * ceil(n / 32), folded)

#ifdef half
enable f16;
#endif
#import index
#import matmul
#import four

// [inner][edge / 4], with one column of padding against bank conflicts.
var<workgroup> a_tile: array<array<Four, 9>, 32>;
var<workgroup> b_tile: array<array<Four, 9>, 32>;

// The inner element and the four along the edge that a thread loads.
fn loaded(i: u32, along_k: bool) -> vec2u {
    return select(vec2u(i / 8u, i % 8u), vec2u(i % 32u, i / 32u), along_k);
}

fn load(a_first: u32, b_first: u32, first_row: u32, first_column: u32, first_k: u32, local: u32) {
    let four = vec4u(0u, 1u, 2u, 3u);
    for (var i = local; i < 256u; i += 64u) {
        let x = loaded(i, params.a_k == 1u);
        let k = first_k + x.x;
        let rows = first_row + 4u * x.y + four;
        let at = a_first + k * params.a_k + min(rows, vec4u(params.m - 1u)) * params.a_row;
        var value = vec4f();
        if k < params.k {
            value = select(vec4f(), vec4f(a[at.x], a[at.y], a[at.z], a[at.w]), rows < vec4u(params.m));
        }
        a_tile[x.x][x.y] = Four(value);
    }
    for (var i = local; i < 256u; i += 64u) {
        let x = loaded(i, params.b_k == 1u);
        let k = first_k + x.x;
        let columns = first_column + 4u * x.y + four;
        let at = b_first + k * params.b_k + min(columns, vec4u(params.n - 1u)) * params.b_column;
        var value = vec4f();
        if k < params.k {
            value = select(vec4f(), vec4f(b[at.x], b[at.y], b[at.z], b[at.w]), columns < vec4u(params.n));
        }
        b_tile[x.x][x.y] = Four(value);
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let across = (params.n + 31u) / 32u;
    let down = (params.m + 31u) / 32u;
    let i = flat(group, groups);
    let batch = i / (across * down);
    if batch >= params.batch {
        return;
    }
    let first_row = 32u * (i / across % down);
    let first_column = 32u * (i % across);
    let a_first = batch * params.m * params.k;
    let b_first = batch * params.k * params.n;
    let r = local / 8u;
    let c = local % 8u;
    var sums = mat4x4f();
    for (var k = 0u; k < params.k; k += 32u) {
        workgroupBarrier();
        load(a_first, b_first, first_row, first_column, k, local);
        workgroupBarrier();
        for (var j = 0u; j < 32u; j += 2u) {
            let x = a_tile[j][r];
            let z = b_tile[j][c];
            sums += mat4x4f(vec4f(x.x * z), vec4f(x.y * z), vec4f(x.z * z), vec4f(x.w * z));
            let x1 = a_tile[j + 1u][r];
            let z1 = b_tile[j + 1u][c];
            sums += mat4x4f(vec4f(x1.x * z1), vec4f(x1.y * z1), vec4f(x1.z * z1), vec4f(x1.w * z1));
        }
    }
    for (var j = 0u; j < 4u; j++) {
        let row = first_row + 4u * r + j;
        for (var l = 0u; l < 4u; l++) {
            let column = first_column + 4u * c + l;
            if row < params.m && column < params.n {
                y[(batch * params.m + row) * params.n + column] = sums[j][l];
            }
        }
    }
}
