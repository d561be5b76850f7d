//! Damaged pictures and files that are none.

use dynasty_pictures::{Rle, decode};

use super::fixture;

#[track_caller]
fn refused(file: &[u8], expected: &str) {
    let error = decode("bad.png", file).unwrap_err().to_string();
    assert!(error.starts_with("bad.png: ") && error.contains(expected), "{error}");
    assert!(!error.contains('\n') && error.len() < 500, "{error}");
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(fixture("pictures/files").join(name)).unwrap()
}

#[test]
fn files_that_are_no_pictures() {
    refused(b"", "the file is empty");
    refused(b"<html><body>404</body></html>", "no picture of a kind");
    refused(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "no picture of a kind");
    refused(b"II*\0\x08\0\0\0", "no picture of a kind");
    refused(b"version https://git-lfs.github.com/spec/v1\n", "no picture of a kind");
    refused(&[0; 100], "no picture of a kind");
    refused(b"\xff\xd8", "JPEG");
    refused(b"\x89PNG\r\n\x1a\n", "PNG");
}

#[test]
fn files_that_are_cut_off() {
    for name in [
        "rgb.png",
        "rgba.png",
        "color.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "turned.jpg",
        "rgb.bmp",
        "rgb.gif",
        "lossless.webp",
        "lossy.webp",
    ] {
        let whole = file(name);
        for part in [whole.len() / 4, whole.len() / 2, whole.len() * 9 / 10] {
            refused(&whole[..part], "");
        }
    }
}

#[test]
fn headers_that_lie_about_the_size() {
    let mut png = file("rgb.png");
    png[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    refused(&png, "");
    let mut bmp = file("rgb.bmp");
    bmp[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    refused(&bmp, "too many");
    let mut gif = file("rgb.gif");
    gif[6..10].fill(0xff);
    refused(&gif, "too many");
}

/// xorshift64.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state as usize
}

#[test]
fn changed_files_never_do_worse_than_an_error() {
    let names = std::fs::read_dir(fixture("pictures/files")).unwrap();
    let mut state = 88_172_645_463_325_252;
    for path in names.map(|entry| entry.unwrap().path()) {
        let whole = std::fs::read(&path).unwrap();
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random(&mut state) % 4 {
                let at = random(&mut state) % bytes.len();
                match random(&mut state) % 3 {
                    0 => bytes[at] = random(&mut state) as u8,
                    1 => bytes[at] ^= 1 << (random(&mut state) % 8),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            if let Err(error) = decode("bad.png", &bytes) {
                assert!(!error.to_string().contains('\n'), "{}: {error}", path.display());
            }
        }
    }
}

#[test]
fn run_lengths_that_are_none() {
    let check = |text: &str, expected: &str| {
        let error = Rle::from_text(3, 4, text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    };
    check("", "the runs are 0 pixels");
    check("0=", "the runs are 13 pixels");
    check("ooooooooooooooo", "too long");
    check("o", "cut off");
    check("0 1", "no digit");
    check("0 猫", "no digit");
    check("0O", "shorter than nothing");
    check("00000O", "shorter than nothing");
    assert!(Rle::new(1 << 20, 1 << 20, vec![]).is_err());
    assert!(Rle::new(2, 2, vec![u32::MAX, u32::MAX, u32::MAX]).is_err());
}
