// Rows of q6_k: value = d s (q - 32), 53 words for 256 values: 32 words of low nibbles, 16 of high pairs, 16 signed
// 8-bit scales in four, d as f16. Of each 128 values, 32-value quarter c has the nibble (c / 2) of low bytes
// 32 (c mod 2) + i and bits 2c of high byte i.
const GROUP = 16u;
const HAS_MIN = false;
const HAS_TAIL = false;

fn scale(row: u32, group: u32) -> vec2f {
    let at = row + 53u * (group / 16u);
    let i = group & 15u;
    let s = extractBits(bitcast<i32>(w[at + 48u + i / 4u]), 8u * (i & 3u), 8u);
    return vec2f(unpack2x16float(w[at + 52u]).x * f32(s), 0.0);
}

fn quad(row: u32, group: u32, j: u32) -> vec4f {
    let at = row + 53u * (group / 16u);
    let i = group & 15u;
    let half = i / 8u;
    let quarter = (i & 7u) / 2u;
    let word = 4u * (i & 1u) + j;
    let low = (w[at + 16u * half + 8u * (quarter & 1u) + word] >> (4u * (quarter / 2u))) & 0x0f0f0f0fu;
    let high = (w[at + 32u + 8u * half + word] >> (2u * quarter)) & 0x03030303u;
    return vec4f(unpack4xU8(low | (high << 4u))) - 32.0;
}
