//! Bytes that a seed damages.

use dynasty_tests::Numbers;

/// Texts that parsers meet rarely.
const RARE: [&[u8]; 22] = [
    b"{",
    b"[",
    b"}",
    b"]",
    b"\"",
    b"\\",
    b":",
    b",",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"18446744073709551615",
    b"9223372036854775808",
    b"4294967296",
    b"\\ud800",
    b"{{",
    b"{%",
    b"%}",
    b"\xff\xfe",
    b"\xf0\x9f\x98",
];

/// Whole numbers at whose edges something overflows.
const EDGES: [u64; 9] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 1 << 40, i64::MAX as u64, u64::MAX];

/// One to eight changes of a copy of `seed`; `other` is what pieces are taken from.
pub fn mutate(numbers: &mut Numbers, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(8) {
        change(numbers, &mut bytes, other);
    }
    bytes
}

fn change(numbers: &mut Numbers, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = place(numbers, bytes.len());
    let (from, to) = (at, (at + 1 + numbers.below(16)).min(bytes.len()));
    match numbers.below(9) {
        0 if at < bytes.len() => bytes[at] = numbers.bits() as u8,
        1 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
        2 => drop(bytes.drain(from..to)),
        3 => {
            let copy = bytes[from..to].to_vec();
            let again = 1 + numbers.below(3);
            bytes.splice(at..at, copy.repeat(again));
        }
        4 => drop(bytes.splice(at..at, RARE[numbers.below(RARE.len())].iter().copied())),
        5 => drop(bytes.splice(from..to, RARE[numbers.below(RARE.len())].iter().copied())),
        6 => {
            let edge = EDGES[numbers.below(EDGES.len())].to_le_bytes();
            let width = [1, 2, 4, 8][numbers.below(4)];
            let end = (at + width).min(bytes.len());
            bytes[at..end].copy_from_slice(&edge[..end - at]);
        }
        7 => {
            let start = place(numbers, other.len());
            let end = (start + 1 + numbers.below(64)).min(other.len());
            bytes.splice(from..to, other[start..end].iter().copied());
        }
        _ if numbers.below(20) == 0 => bytes.truncate(at),
        _ => {}
    }
}

/// A place in `len` bytes: often near the beginning, where headers are.
fn place(numbers: &mut Numbers, len: usize) -> usize {
    let end = if numbers.below(2) == 0 { len.min(4096) } else { len };
    numbers.below(end + 1).min(len)
}
