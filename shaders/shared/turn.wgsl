// An angle brought into one turn: WGSL promises sine and cosine there only. 2 pi is taken in two
// parts, the first short enough that its multiples are exact.
fn one_turn(angle: f32) -> f32 {
    let turns = round(angle * 0.15915494309189535);
    return (angle - turns * 6.28125) - turns * 0.0019353071795864769;
}
