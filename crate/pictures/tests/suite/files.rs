//! Files of every kind against Pillow.

use dynasty_pictures::{Picture, decode, png_grey, png_rgba};

use super::{Tensors, fixture};

fn rgba(picture: &Picture) -> Vec<u8> {
    let alpha = |i: usize| picture.alpha().map_or(255, |alpha| alpha[i]);
    picture.rgb().chunks(3).enumerate().flat_map(|(i, rgb)| [rgb[0], rgb[1], rgb[2], alpha(i)]).collect()
}

#[test]
fn pixels_are_pillows() {
    let tensors = Tensors::open("pictures/files.safetensors");
    assert!(tensors.names().len() > 18);
    for name in tensors.names() {
        let file = std::fs::read(fixture("pictures/files").join(&name)).unwrap();
        let picture = decode(&name, &file).unwrap();
        let (shape, _) = tensors.floats(&name);
        assert_eq!([picture.height(), picture.width(), 4], shape[..], "{name}");
        let (got, wanted) = (rgba(&picture), tensors.bytes(&name));
        let off = got.iter().zip(&wanted).map(|(a, b)| u32::from(a.abs_diff(*b)));
        let (most, sum) = off.fold((0, 0), |(most, sum), off| (most.max(off), sum + off));
        // Decoders of lossy files may round in their own ways, which differ most where colours are scaled up.
        let lossless = !name.ends_with("jpg") && name != "lossy.webp" && name != "disguised.png";
        let bound = if lossless { 0.0 } else { 2.0 };
        let mean = f64::from(sum) / got.len() as f64;
        assert!(mean <= bound && (most == 0 || !lossless), "{name}: off by {mean} on average, {most} at most");
    }
}

#[test]
fn what_is_written_reads_the_same() {
    let grey: Vec<u8> = (0..35).map(|i| i * 7).collect();
    let picture = decode("grey.png", &png_grey(7, 5, &grey).unwrap()).unwrap();
    assert_eq!(picture.rgb().iter().step_by(3).copied().collect::<Vec<u8>>(), grey);
    let pixels: Vec<u8> = (0..24).map(|i| i * 10).collect();
    let picture = decode("rgba.png", &png_rgba(3, 2, &pixels).unwrap()).unwrap();
    assert_eq!(rgba(&picture), pixels);
    assert!(png_rgba(3, 3, &pixels).is_err());
    assert!(Picture::from_rgba(3, 3, &pixels).is_err());
    assert!(Picture::from_rgba(0, 3, &[]).is_err());
    assert!(Picture::from_rgb(usize::MAX, 2, vec![]).is_err());
}
