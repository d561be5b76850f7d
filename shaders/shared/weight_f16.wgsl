// Rows of f16, two values a word, the first in the low half: w [N, K/2]. K is even.
const GROUP = 4u;
const HAS_MIN = false;

fn scale(row: u32, group: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    let at = row + 2u * group;
    let low = unpack2x16float(w[at]);
    if 4u * group + 4u > params.k {
        return vec4f(low, 0.0, 0.0);
    }
    return vec4f(low, unpack2x16float(w[at + 1u]));
}
