// scatter_add_rows: zeros, and for each id the next one that is the same
//
// One thread a zero and an id. links[i] = 2 (next + 1) + (1 if no id before i is the same); 0 where the id is outside.
// grid (ceil(max(n, rows * cols) / 64), folded)

#import index

struct Params { n: u32, rows: u32, cols: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<i32>;         // [n]
@group(0) @binding(2) var<storage, read_write> links: array<u32>; // [n]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;     // [rows, cols]

// Which of four ids are the same; those outside the list are not.
fn same(id: i32, first: u32) -> vec4<bool> {
    let i = first + vec4u(0u, 1u, 2u, 3u);
    let at = min(i, vec4u(params.n - 1u));
    return (vec4i(ids[at.x], ids[at.y], ids[at.z], ids[at.w]) == vec4i(id)) & (i < vec4u(params.n));
}

// The first id from i on that is the same, or n.
fn next(id: i32, i: u32) -> u32 {
    for (var j = i; j < params.n; j += 4u) {
        let found = same(id, j);
        if any(found) {
            return j + select(select(select(3u, 2u, found.z), 1u, found.y), 0u, found.x);
        }
    }
    return params.n;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = flat(group, groups) * 64u + local;
    if i < params.rows * params.cols {
        y[i] = 0.0;
    }
    if i >= params.n {
        return;
    }
    let id = ids[i];
    if id < 0 || u32(id) >= params.rows {
        links[i] = 0u;
        return;
    }
    let behind = next(id, i + 1u);
    let link = select(behind + 1u, 0u, behind == params.n);
    links[i] = 2u * link + select(0u, 1u, next(id, 0u) == i);
}
