//! SentencePiece's normalization rules: a double array of prefixes over a list of texts.
//!
//! Source: `DoubleArray` of darts-clone and SentencePiece's `normalizer.cc`. The library's reader trusts these bytes and
//! would panic or take any memory on damaged ones, so they are checked before it sees them.

use tokenizers::normalizers::Precompiled;

/// The rules from their bytes.
///
/// # Errors
/// The reason why they are damaged.
pub(super) fn read(bytes: &[u8]) -> Result<Precompiled, String> {
    check(bytes)?;
    Precompiled::from(bytes).map_err(|error| error.to_string())
}

/// Checks rules that are written in base64.
pub(super) fn check_base64(text: &str) -> Result<(), String> {
    check(&decode(text).ok_or("the precompiled_charsmap is not base64")?)
}

/// Checks that no text can lead outside the array or the list.
fn check(bytes: &[u8]) -> Result<(), String> {
    const DAMAGED: &str = "the precompiled_charsmap is damaged";
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let len = word(0).ok_or(DAMAGED)? as usize / 4;
    let texts = bytes.get(4 + 4 * len..).and_then(|rest| std::str::from_utf8(rest).ok()).ok_or(DAMAGED)?;
    let units: Vec<u32> = (0..len).filter_map(|at| word(4 + 4 * at)).collect();
    let base = |at: usize| at ^ ((units[at] >> 10) << ((units[at] & (1 << 9)) >> 6)) as usize;
    let (mut seen, mut open) = (vec![false; len], vec![0]);
    *seen.first_mut().ok_or(DAMAGED)? = true;
    while let Some(at) = open.pop() {
        let base = base(at);
        // Whatever byte comes next, the unit it leads to is read.
        if base | 0xFF >= len {
            return Err(DAMAGED.into());
        }
        for next in
            (1..=255).map(|byte| base ^ byte).filter(|next| units[*next] & (1 << 31 | 0xFF) == (next ^ base) as u32)
        {
            if !std::mem::replace(&mut seen[next], true) {
                open.push(next);
            }
        }
        let leaf = units[base] & !(1 << 31);
        if units[at] >> 8 & 1 == 1 && !texts.is_char_boundary(leaf as usize) {
            return Err(DAMAGED.into());
        }
    }
    Ok(())
}

/// The bytes of a base64 text.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        assert_eq!(decode("aGVsbG8="), Some(b"hello".to_vec()));
        assert_eq!(decode("_"), None);
    }

    #[test]
    fn arrays_that_lead_outside_are_refused() {
        let map = |units: &[u32], texts: &[u8]| {
            let mut bytes = (4 * units.len() as u32).to_le_bytes().to_vec();
            bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
            bytes.extend(texts);
            bytes
        };
        let mut units = vec![0xFFu32; 512];
        (units[0], units[256 ^ 97], units[98]) = (256 << 10, 97 | 1 << 8 | (256 ^ 97 ^ 98) << 10, 1 << 31);
        units[98] = 1 << 31;
        assert_eq!(read(&map(&units, b"x\0")).map(|_| ()), Ok(()));
        for broken in
            [map(&units, b"")[..40].to_vec(), map(&[], b""), map(&[1 << 20], b"x\0"), b"\xff\xff\xff\xff".to_vec()]
        {
            assert!(read(&broken).is_err());
        }
        units[98] = 1 << 31 | 9;
        assert!(read(&map(&units, b"x\0")).is_err(), "a text outside the list");
    }
}
