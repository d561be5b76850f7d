// Rows of q8_0: value = d q. All quants of a row (8 words for 32 values), then its scales as f16, two a word.
const GROUP = 32u;
const HAS_MIN = false;
const HAS_TAIL = false;

fn scale(row: u32, group: u32) -> vec2f {
    let pair = unpack2x16float(w[row + params.k / 4u + group / 2u]);
    return vec2f(select(pair.x, pair.y, (group & 1u) == 1u), 0.0);
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    return vec4f(unpack4xI8(w[row + 8u * group + j]));
}
