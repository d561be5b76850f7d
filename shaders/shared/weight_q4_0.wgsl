// Rows of q4_0: value = d (q - 8). All quants of a row (4 words for 32 values, values 0..15 in the low nibbles and
// 16..31 in the high ones), then its scales as f16, two a word.
const GROUP = 32u;
const HAS_MIN = false;
const HAS_TAIL = false;

fn scale(row: u32, group: u32) -> vec2f {
    let pair = unpack2x16float(w[row + params.k / 8u + group / 2u]);
    return vec2f(select(pair.x, pair.y, (group & 1u) == 1u), 0.0);
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    let word = w[row + 4u * group + (j & 3u)] >> (4u * (j >> 2u));
    return vec4f(unpack4xU8(word & 0x0f0f0f0fu)) - 8.0;
}
