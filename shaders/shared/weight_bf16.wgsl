// Rows of bf16, two values a word, the first in the low half: w [N, K/2]. K is even.
const GROUP = 4u;
const HAS_MIN = false;
const HAS_TAIL = true;

fn scale(row: u32, group: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn pair(word: u32) -> vec2f {
    return bitcast<vec2f>(vec2u(word << 16u, word & 0xffff0000u));
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    let at = row + 2u * group;
    let whole = 4u * group + 4u <= params.k;
    let high = pair(w[select(at, at + 1u, whole)]);
    return vec4f(pair(w[at]), select(vec2f(), high, whole));
}
