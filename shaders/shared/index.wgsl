// The number of this workgroup. Grids are folded into two dimensions, 65,535 workgroups at most in each.
fn flat(group: vec3u, groups: vec3u) -> u32 {
    return group.y * groups.x + group.x;
}
