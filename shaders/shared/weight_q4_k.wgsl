// Rows of q4_k: value = d s q - m t, 36 words for 256 values: d and m as f16, eight 6-bit scales s and minima t in
// three words, 128 bytes of nibbles (64 values in 32 bytes: the low nibbles, then the high ones).
const GROUP = 32u;
const HAS_MIN = true;
const HAS_TAIL = false;

fn packed(at: u32, byte: u32) -> u32 {
    return (w[at + 1u + byte / 4u] >> (8u * (byte & 3u))) & 255u;
}

fn scale(row: u32, group: u32) -> vec2f {
    let at = row + 36u * (group / 8u);
    let i = group & 7u;
    let d = unpack2x16float(w[at]);
    if i < 4u {
        return d * vec2f(f32(packed(at, i) & 63u), f32(packed(at, i + 4u) & 63u));
    }
    let low = packed(at, i + 4u);
    let s = (low & 15u) | ((packed(at, i - 4u) >> 6u) << 4u);
    let t = (low >> 4u) | ((packed(at, i) >> 6u) << 4u);
    return d * vec2f(f32(s), f32(t));
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    let i = group & 7u;
    let word = w[row + 36u * (group / 8u) + 4u + 8u * (i / 2u) + j] >> (4u * (i & 1u));
    return vec4f(unpack4xU8(word & 0x0f0f0f0fu));
}
