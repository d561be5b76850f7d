// Rows of f16, two values a word, the first in the low half: w [N, K/2]. K is even.
const GROUP = 4u;
const HAS_MIN = false;
const HAS_TAIL = true;

fn scale(row: u32, group: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    let at = row + 2u * group;
    let whole = 4u * group + 4u <= params.k;
    let high = unpack2x16float(w[select(at, at + 1u, whole)]);
    return vec4f(unpack2x16float(w[at]), select(vec2f(), high, whole));
}
