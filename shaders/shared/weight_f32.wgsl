// Rows of f32, one value a word: w [N, K].
const GROUP = 4u;
const HAS_MIN = false;
const HAS_TAIL = true;

fn scale(row: u32, group: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    let k = 4u * group;
    let last = vec4u(params.k - 1u - k);
    let place = vec4u(0u, 1u, 2u, 3u);
    let i = row + k + min(place, last);
    return select(vec4f(), bitcast<vec4f>(vec4u(w[i.x], w[i.y], w[i.z], w[i.w])), place <= last);
}
