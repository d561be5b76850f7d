// A value to compare by: NaN counts as the lowest.
fn comparable(value: f32) -> f32 {
    let is_nan = (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
    return select(value, -3.4028234e38, is_nan);
}
