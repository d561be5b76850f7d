// Rows of f32, one value a word: w [N, K].
const GROUP = 4u;
const HAS_MIN = false;

fn scale(row: u32, group: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn value(row: u32, k: u32) -> f32 {
    return select(0.0, bitcast<f32>(w[row + min(k, params.k - 1u)]), k < params.k);
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    let k = 4u * group;
    if k + 4u <= params.k {
        let at = row + k;
        return bitcast<vec4f>(vec4u(w[at], w[at + 1u], w[at + 2u], w[at + 3u]));
    }
    return vec4f(value(row, k), value(row, k + 1u), value(row, k + 2u), value(row, k + 3u));
}
